package seal

import (
	"context"
	"time"

	"k8s.io/apiserver/pkg/storage/value"
	"k8s.io/apiserver/pkg/storage/value/encrypt/envelope/kmsv2"
	"k8s.io/kms/pkg/service"
)

// Through returns what seals a value, under its prefix, with a seed that a KMS v2 service wraps now.
func Through(kms service.Service, provider string) (func(key string, plain []byte) ([]byte, error), error) {
	state, err := newState(kms)
	if err != nil {
		return nil, err
	}
	t := kmsv2.NewEnvelopeTransformer(kms, provider, func() (kmsv2.State, error) { return state, nil }, "recipe")
	prefix := "k8s:enc:kms:v2:" + provider + ":"
	return func(key string, plain []byte) ([]byte, error) {
		sealed, err := t.TransformToStorage(context.Background(), plain, value.DefaultContext(key))
		return append([]byte(prefix), sealed...), err
	}, nil
}

func newState(kms service.Service) (kmsv2.State, error) {
	t, object, cacheKey, err := kmsv2.GenerateTransformer(context.Background(), "recipe", kms, true)
	if err != nil {
		return kmsv2.State{}, err
	}
	return kmsv2.State{
		Transformer: t, EncryptedObjectKeyID: object.KeyID, EncryptedObjectEncryptedDEKSource: object.EncryptedDEKSource,
		EncryptedObjectAnnotations: object.Annotations, EncryptedObjectEncryptedDEKSourceType: object.EncryptedDEKSourceType,
		ExpirationTimestamp: time.Now().Add(24 * time.Hour), CacheKey: cacheKey,
	}, nil
}
