package seal

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	kmsservice "k8s.io/kms/pkg/service"
)

// blobHeader starts every wrapped key, after the ASCII '1': five bytes as AWS KMS writes them. The rest is
// opaque to everybody but this program: nonce and AES-256-GCM ciphertext under the KEK.
var blobHeader = []byte{0x01, 0x02, 0x02, 0x00, 0x78}

// DEK is a data key or seed that a KMS wrapped.
type DEK struct {
	Plaintext    []byte `json:"plaintext_base64"`
	Version      string `json:"provider_version"`
	ProviderName string `json:"provider_name"`
	KeyID        string `json:"key_id"` // the KEK; a KMS v1 envelope does not name it
}

// kms wraps data keys under one local key encryption key. It stands in for a KMS plugin, v1 and v2.
type kms struct {
	version, provider, keyID string
	kek                      []byte
	annotations              map[string][]byte
	deks                     map[string]DEK // by SHA-256 of the wrapped bytes
	last                     string         // the newest of deks
}

func (k *kms) gcm() (cipher.AEAD, error) {
	b, err := aes.NewCipher(k.kek)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

func (k *kms) wrap(dek []byte) ([]byte, error) {
	g, err := k.gcm()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, g.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	out := append(append([]byte{'1'}, blobHeader...), nonce...)
	out = g.Seal(out, nonce, dek, nil)
	sum := sha256.Sum256(out)
	k.last = hex.EncodeToString(sum[:])
	k.deks[k.last] = DEK{bytes.Clone(dek), k.version, k.provider, k.keyID}
	return out, nil
}

func (k *kms) unwrap(wrapped []byte) ([]byte, error) {
	g, err := k.gcm()
	if err != nil {
		return nil, err
	}
	body, ok := bytes.CutPrefix(wrapped, append([]byte{'1'}, blobHeader...))
	if !ok || len(body) < g.NonceSize() {
		return nil, errors.New("not a blob of this KMS")
	}
	return g.Open(nil, body[:g.NonceSize()], body[g.NonceSize():], nil)
}

// serviceV1 is the v1 interface of the envelope package.
type serviceV1 struct{ *kms }

func (s serviceV1) Encrypt(data []byte) ([]byte, error) { return s.wrap(data) }
func (s serviceV1) Decrypt(data []byte) ([]byte, error) { return s.unwrap(data) }

// serviceV2 is the v2 interface of the kmsv2 package.
type serviceV2 struct{ *kms }

func (s serviceV2) Encrypt(_ context.Context, _ string, data []byte) (*kmsservice.EncryptResponse, error) {
	out, err := s.wrap(data)
	if err != nil {
		return nil, err
	}
	return &kmsservice.EncryptResponse{Ciphertext: out, KeyID: s.keyID, Annotations: s.annotations}, nil
}

func (s serviceV2) Decrypt(_ context.Context, _ string, req *kmsservice.DecryptRequest) ([]byte, error) {
	if req.KeyID != s.keyID {
		return nil, fmt.Errorf("key %q is not here", req.KeyID)
	}
	return s.unwrap(req.Ciphertext)
}

func (s serviceV2) Status(context.Context) (*kmsservice.StatusResponse, error) {
	return &kmsservice.StatusResponse{Version: "v2", Healthz: "ok", KeyID: s.keyID}, nil
}
