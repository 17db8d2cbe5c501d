package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	"k8s.io/kms/pkg/service"
)

// transit answers by a key of OpenBao's or Vault's transit engine, as plugins for it do: the key ID is the key's name and its newest
// version, and what the server says goes out as it came.
type transit struct{ address, key string }

func (t transit) call(ctx context.Context, method, what string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, t.address+"/v1/transit/"+what+"/"+t.key, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("X-Vault-Token", os.Getenv("BAO_TOKEN"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("Error making API request. Code: %d. Errors: %s", response.StatusCode, text)
	}
	return json.Unmarshal(text, &struct{ Data any }{out})
}

func (t transit) Encrypt(ctx context.Context, _ string, plain []byte) (*service.EncryptResponse, error) {
	var sealed struct {
		Ciphertext string `json:"ciphertext"`
		Version    int    `json:"key_version"`
	}
	in := map[string]string{"plaintext": base64.StdEncoding.EncodeToString(plain)}
	if err := t.call(ctx, http.MethodPost, "encrypt", in, &sealed); err != nil {
		return nil, err
	}
	return &service.EncryptResponse{Ciphertext: []byte(sealed.Ciphertext), KeyID: t.version(sealed.Version)}, nil
}

func (t transit) Decrypt(ctx context.Context, _ string, r *service.DecryptRequest) ([]byte, error) {
	var opened struct {
		Plaintext []byte `json:"plaintext"`
	}
	err := t.call(ctx, http.MethodPost, "decrypt", map[string]string{"ciphertext": string(r.Ciphertext)}, &opened)
	return opened.Plaintext, err
}

func (t transit) Status(ctx context.Context) (*service.StatusResponse, error) {
	var key struct {
		Latest int `json:"latest_version"`
	}
	if err := t.call(ctx, http.MethodGet, "keys", nil, &key); err != nil {
		return nil, err
	}
	return &service.StatusResponse{Version: "v2", Healthz: "ok", KeyID: t.version(key.Latest)}, nil
}

func (t transit) version(number int) string { return fmt.Sprintf("%s:v%d", t.key, number) }
