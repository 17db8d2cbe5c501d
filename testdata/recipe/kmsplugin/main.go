// A KMS plugin for the keys of a fixture, on the Kubernetes project's own gRPC service.
//
//	kmsplugin -truth migration.truth.json -provider aws-b -socket /tmp/kms.sock
//	kmsplugin -transit http://127.0.0.1:8200 -key etcd -socket /tmp/kms.sock     (BAO_TOKEN in the environment)
//
// It prints "ready" when it listens, and ends when its standard input does.
package main

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"k8s.io/kms/apis/v1beta1"
	"k8s.io/kms/pkg/service"
)

// KEK is the key of a provider, as the truth of a fixture lists it.
type KEK struct {
	Version      string            `json:"provider_version"`
	ProviderName string            `json:"provider_name"`
	KeyID        string            `json:"key_id"`
	KEK          []byte            `json:"kek_base64"`
	Annotations  map[string][]byte `json:"annotations"`
}

// unwrap opens ASCII '1', 01 02 02 00 78, nonce (12 bytes), AES-256-GCM.
func (k KEK) unwrap(wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(k.KEK)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	body, ok := bytes.CutPrefix(wrapped, []byte{'1', 0x01, 0x02, 0x02, 0x00, 0x78})
	if !ok || len(body) < gcm.NonceSize() {
		return nil, errors.New("not a blob of this KMS")
	}
	return gcm.Open(nil, body[:gcm.NonceSize()], body[gcm.NonceSize():], nil)
}

// v2 answers by the service of k8s.io/kms.
type v2 struct{ KEK }

func (k v2) Decrypt(_ context.Context, uid string, r *service.DecryptRequest) ([]byte, error) {
	if uid == "" || r.KeyID != k.KeyID || len(r.Annotations) != len(k.Annotations) {
		return nil, errors.New("not what this plugin wrote")
	}
	for name, value := range k.Annotations {
		if !bytes.Equal(r.Annotations[name], value) {
			return nil, fmt.Errorf("annotation %s is another", name)
		}
	}
	return k.unwrap(r.Ciphertext)
}

func (k v2) Encrypt(context.Context, string, []byte) (*service.EncryptResponse, error) {
	return nil, errors.New("this plugin only decrypts")
}

func (k v2) Status(context.Context) (*service.StatusResponse, error) {
	return &service.StatusResponse{Version: "v2", Healthz: "ok", KeyID: k.KeyID}, nil
}

// v1 answers the first version, for which k8s.io/kms has no service but the generated one.
type v1 struct {
	v1beta1.UnimplementedKeyManagementServiceServer
	KEK
}

func (k v1) Version(context.Context, *v1beta1.VersionRequest) (*v1beta1.VersionResponse, error) {
	return &v1beta1.VersionResponse{Version: "v1beta1", RuntimeName: "recipe", RuntimeVersion: "1"}, nil
}

func (k v1) Decrypt(_ context.Context, r *v1beta1.DecryptRequest) (*v1beta1.DecryptResponse, error) {
	if r.Version != "v1beta1" {
		return nil, fmt.Errorf("version %q", r.Version)
	}
	plain, err := k.unwrap(r.Cipher)
	return &v1beta1.DecryptResponse{Plain: plain}, err
}

func serve(k KEK, socket string) error {
	if k.Version == "v2" {
		return serveV2(v2{k}, socket)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	v1beta1.RegisterKeyManagementServiceServer(server, v1{KEK: k})
	return server.Serve(listener)
}

func serveV2(answers service.Service, socket string) error {
	return service.NewGRPCService(socket, 3*time.Second, answers).ListenAndServe()
}

// run serves until standard input ends.
func run(serve func() error, socket string) {
	go func() { log.Fatal(serve()) }()
	for {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}

func main() {
	truth := flag.String("truth", "", "truth of a fixture")
	provider := flag.String("provider", "", "name of one of its KMS providers")
	socket := flag.String("socket", "", "where to listen")
	address := flag.String("transit", "", "an OpenBao server, instead of a fixture")
	key := flag.String("key", "", "a key of its transit engine")
	flag.Parse()
	if *address != "" {
		run(func() error { return serveV2(transit{*address, *key}, *socket) }, *socket)
		return
	}
	text, err := os.ReadFile(*truth)
	if err != nil {
		log.Fatal(err)
	}
	var world struct {
		Keys struct {
			KMS []KEK `json:"kms"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(text, &world); err != nil {
		log.Fatal(err)
	}
	for _, k := range world.Keys.KMS {
		if k.ProviderName != *provider {
			continue
		}
		run(func() error { return serve(k, *socket) }, *socket)
		return
	}
	log.Fatalf("no KMS provider %q", *provider)
}
