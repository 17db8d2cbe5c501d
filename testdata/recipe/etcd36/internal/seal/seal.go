// Package seal encrypts values exactly as an API server does: with the transformers of k8s.io/apiserver.
package seal

import (
	"context"
	"errors"
	"fmt"

	"etcd-sleuth.invalid/recipe/life"
	"k8s.io/apiserver/pkg/storage/value"
)

// Seal is one provider with one key.
type Seal struct {
	Provider, Version, Name string

	prefix      []byte
	transformer value.Transformer
	dek         func() (keyID *string, sourceType *int, sha256 string) // of the value just sealed; nil without a KMS
}

func newSeal(provider, version, name string, t value.Transformer) *Seal {
	prefix := fmt.Appendf(nil, "k8s:enc:%s:%s:%s:", provider, version, name)
	return &Seal{Provider: provider, Version: version, Name: name, prefix: prefix, transformer: t}
}

// Encrypt encrypts the plaintext of the value of the etcd key and says what a reader can know of it.
func (s *Seal) Encrypt(key, plaintext []byte) ([]byte, *life.Facts, error) {
	t := value.NewPrefixTransformers(errors.New("no prefix"), value.PrefixTransformer{Prefix: s.prefix, Transformer: s.transformer})
	sealed, err := t.TransformToStorage(context.Background(), plaintext, value.DefaultContext(key))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", s.prefix, err)
	}
	f := &life.Facts{Form: "encrypted", Provider: &s.Provider, ProviderVersion: &s.Version, ProviderName: &s.Name}
	if s.dek != nil {
		id, kind, sum := s.dek()
		f.KeyID, f.DEKSourceType, f.DEKSourceSHA256 = id, kind, &sum
	}
	return sealed, f, nil
}
