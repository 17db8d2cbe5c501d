package world

import (
	"bytes"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
)

// Encoding is a way in which Kubernetes stores an object; the words are those of the truth.
type Encoding string

// The encodings.
const (
	Protobuf Encoding = "protobuf"
	JSON     Encoding = "json"
	YAML     Encoding = "yaml"
	CBOR     Encoding = "cbor"
	Other    Encoding = "other"
)

var encoders = func() map[Encoding]runtime.Encoder {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, coordinationv1.AddToScheme} {
		if err := add(s); err != nil {
			panic(err)
		}
	}
	return map[Encoding]runtime.Encoder{
		Protobuf: protobuf.NewSerializer(s, s),
		JSON:     json.NewSerializerWithOptions(json.DefaultMetaFactory, s, s, json.SerializerOptions{}),
		YAML:     json.NewSerializerWithOptions(json.DefaultMetaFactory, s, s, json.SerializerOptions{Yaml: true}),
		CBOR:     cbor.NewSerializer(s, s),
	}
}()

// Encode encodes the object with Kubernetes' own serializer.
func Encode(o runtime.Object, e Encoding) ([]byte, error) {
	var b bytes.Buffer
	if err := encoders[e].Encode(o, &b); err != nil {
		return nil, fmt.Errorf("encode as %s: %w", e, err)
	}
	return b.Bytes(), nil
}
