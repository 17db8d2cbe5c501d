package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"etcd-sleuth.invalid/recipe/etcd36/internal/seal"
	"k8s.io/apiserver/pkg/storage/value/encrypt/envelope/kmsv2"
)

// sealCommand seals Secrets through a KMS plugin that somebody else runs, as an API server does that was just started: one line of JSON
// each.
func sealCommand(args []string) error {
	flags := flag.NewFlagSet("seal", flag.ExitOnError)
	endpoint := flags.String("endpoint", "", "of the plugin, such as unix:///tmp/kms.sock")
	provider := flags.String("provider", "", "its name in the configuration")
	from := flags.Int("from", 0, "number of the first Secret")
	count := flags.Int("count", 1, "how many")
	if err := flags.Parse(args); err != nil {
		return err
	}
	service, err := kmsv2.NewGRPCService(context.Background(), *endpoint, *provider, 10*time.Second)
	if err != nil {
		return err
	}
	sealed, err := seal.Through(service, *provider)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for number := *from; number < *from+*count; number++ {
		name := fmt.Sprintf("s%d", number)
		plain := fmt.Appendf(nil, `{"kind":"Secret","apiVersion":"v1","metadata":{"name":%q,"namespace":"prod"},"data":{"a":"YQ=="}}`, name)
		key := "/registry/secrets/prod/" + name
		stored, err := sealed(key, plain)
		if err != nil {
			return err
		}
		digest := sha256.Sum256(plain)
		line := map[string]any{"key": key, "value": stored, "plaintext_sha256": hex.EncodeToString(digest[:])}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	return nil
}
