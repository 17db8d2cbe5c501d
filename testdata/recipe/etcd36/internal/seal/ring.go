package seal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"maps"
	"time"

	"k8s.io/apiserver/pkg/storage/value"
	aestransformer "k8s.io/apiserver/pkg/storage/value/encrypt/aes"
	"k8s.io/apiserver/pkg/storage/value/encrypt/envelope"
	"k8s.io/apiserver/pkg/storage/value/encrypt/envelope/kmsv2"
	"k8s.io/apiserver/pkg/storage/value/encrypt/secretbox"
)

// LocalKey is a key of aescbc, aesgcm or secretbox.
type LocalKey struct {
	Provider string `json:"provider"`
	Name     string `json:"name"`
	Secret   []byte `json:"secret_base64"`
}

// KEK is the key of a stand-in KMS.
type KEK struct {
	Version      string            `json:"provider_version"`
	ProviderName string            `json:"provider_name"`
	KeyID        string            `json:"key_id"`
	KEK          []byte            `json:"kek_base64"`
	Annotations  map[string][]byte `json:"annotations,omitempty"`
}

// Keys is all key material of a fixture, for its truth.
type Keys struct {
	Local    []LocalKey     `json:"local"`
	KMS      []KEK          `json:"kms"`
	Wrapping string         `json:"kms_wrapping"`
	DEKs     map[string]DEK `json:"deks"` // by SHA-256 of the wrapped bytes
}

// Ring holds every key of a fixture and opens what they sealed.
type Ring struct {
	local []LocalKey
	kms   []*kms
	seals []*Seal
}

func (r *Ring) add(s *Seal) *Seal {
	r.seals = append(r.seals, s)
	return s
}

// Local adds a key of aescbc, aesgcm or secretbox.
func (r *Ring) Local(provider, name string, secret []byte) (*Seal, error) {
	r.local = append(r.local, LocalKey{provider, name, secret})
	if provider == "secretbox" {
		return r.add(newSeal(provider, "v1", name, secretbox.NewSecretboxTransformer([32]byte(secret)))), nil
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	switch provider {
	case "aescbc":
		return r.add(newSeal(provider, "v1", name, aestransformer.NewCBCTransformer(block))), nil
	case "aesgcm":
		t, err := aestransformer.NewGCMTransformer(block)
		return r.add(newSeal(provider, "v1", name, t)), err
	}
	return nil, fmt.Errorf("unknown provider %q", provider)
}

func (r *Ring) newKMS(version, provider, keyID string, kek []byte) *kms {
	k := &kms{version: version, provider: provider, keyID: keyID, kek: kek, deks: map[string]DEK{}}
	r.kms = append(r.kms, k)
	return k
}

// KMSv1 adds a KMS v1 provider. The first seal writes payloads in AES-GCM, as API servers since 1.25 do;
// the second in AES-CBC, as older ones did. Both use the same KMS key.
func (r *Ring) KMSv1(provider, keyID string, kek []byte) (gcm, cbc *Seal) {
	k := r.newKMS("v1", provider, keyID, kek)
	dek := func() (*string, *int, string) { return nil, nil, k.last }
	gcm = newSeal("kms", "v1", provider, envelope.NewEnvelopeTransformer(serviceV1{k}, 0, aestransformer.NewGCMTransformer))
	cbc = newSeal("kms", "v1", provider, envelope.NewEnvelopeTransformer(serviceV1{k}, 0, func(b cipher.Block) (value.Transformer, error) {
		return aestransformer.NewCBCTransformer(b), nil
	}))
	gcm.dek, cbc.dek = dek, dek
	return r.add(gcm), r.add(cbc)
}

// KMSv2 adds a KMS v2 provider. The first seal uses a seed (DEK source type 1), as API servers since 1.29 do;
// the second a data key (type 0), as older ones did. Both use the same KMS key.
func (r *Ring) KMSv2(provider, keyID string, kek []byte, annotations map[string][]byte) (seed, key *Seal, err error) {
	k := r.newKMS("v2", provider, keyID, kek)
	k.annotations = annotations
	if seed, err = r.generation(k, true); err != nil {
		return nil, nil, err
	}
	key, err = r.generation(k, false)
	return seed, key, err
}

// NextSeed is what a restart of the API server does: the same provider and KMS key, a new seed.
func (r *Ring) NextSeed(s *Seal) (*Seal, error) {
	for _, k := range r.kms {
		if k.version == s.Version && k.provider == s.Name {
			return r.generation(k, true)
		}
	}
	return nil, fmt.Errorf("no KMS for %s", s.prefix)
}

func (r *Ring) generation(k *kms, useSeed bool) (*Seal, error) {
	t, object, cacheKey, err := kmsv2.GenerateTransformer(context.Background(), "recipe", serviceV2{k}, useSeed)
	if err != nil {
		return nil, err
	}
	wrapped := k.last
	state := kmsv2.State{
		Transformer: t, EncryptedObjectKeyID: object.KeyID, EncryptedObjectEncryptedDEKSource: object.EncryptedDEKSource,
		EncryptedObjectAnnotations: object.Annotations, EncryptedObjectEncryptedDEKSourceType: object.EncryptedDEKSourceType,
		ExpirationTimestamp: time.Now().Add(24 * time.Hour), CacheKey: cacheKey,
	}
	s := newSeal("kms", "v2", k.provider, kmsv2.NewEnvelopeTransformer(serviceV2{k}, k.provider, func() (kmsv2.State, error) { return state, nil }, "recipe"))
	kind := int(object.EncryptedDEKSourceType)
	s.dek = func() (*string, *int, string) { return &k.keyID, &kind, wrapped }
	return r.add(s), nil
}

// Open decrypts what any key of the ring sealed, by prefix, as an API server does.
func (r *Ring) Open(key, sealed []byte) ([]byte, error) {
	var all []value.PrefixTransformer
	for _, s := range r.seals {
		all = append(all, value.PrefixTransformer{Prefix: s.prefix, Transformer: s.transformer})
	}
	out, _, err := value.NewPrefixTransformers(errors.New("no key for this value"), all...).TransformFromStorage(context.Background(), sealed, value.DefaultContext(key))
	return out, err
}

// Keys returns all key material.
func (r *Ring) Keys() Keys {
	k := Keys{
		Local: r.local, DEKs: map[string]DEK{},
		Wrapping: "ASCII '1', 01 02 02 00 78, nonce (12 bytes), AES-256-GCM under the KEK without additional data",
	}
	for _, x := range r.kms {
		k.KMS = append(k.KMS, KEK{x.version, x.provider, x.keyID, x.kek, x.annotations})
		maps.Copy(k.DEKs, x.deks)
	}
	return k
}
