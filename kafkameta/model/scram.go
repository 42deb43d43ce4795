package model

import (
	"encoding/base64"
	"fmt"
)

// Mechanism is a SCRAM mechanism, and the key of its credential in the
// configuration of a user.
type Mechanism string

// The mechanisms. Kafka: ScramMechanism.java.
const (
	ScramSHA256 Mechanism = "SCRAM-SHA-256"
	ScramSHA512 Mechanism = "SCRAM-SHA-512"
)

// Mechanisms are all mechanisms.
var Mechanisms = []Mechanism{ScramSHA256, ScramSHA512}

// The iterations that Kafka's tools and API accept.
const (
	ScramIterationsMin = 4096
	ScramIterationsMax = 16384
)

// KeyBytes is the length of the stored and of the server key, 0 for an unknown
// mechanism.
func (m Mechanism) KeyBytes() int {
	switch m {
	case ScramSHA256:
		return 32
	case ScramSHA512:
		return 64
	default:
		return 0
	}
}

// ScramCredential lets a user log in. Kafka: ScramCredential.java.
type ScramCredential struct {
	Salt, StoredKey, ServerKey []byte
	Iterations                 int32
}

// ParseScramCredential reads "salt=…,stored_key=…,server_key=…,iterations=…"
// in any order, exactly these keys. The lengths of keys and the number of
// iterations are for the rules to judge. Messages do not quote the value: it is
// a secret. Kafka: ScramCredentialUtils.java.
func ParseScramCredential(text string) (ScramCredential, error) {
	fields, err := parsePairs("SCRAM credential", text, "=", []string{"salt", "stored_key", "server_key", "iterations"}, nil)
	if err != nil {
		return ScramCredential{}, err
	}
	var c ScramCredential
	if err := fields.binary(map[string]*[]byte{"salt": &c.Salt, "stored_key": &c.StoredKey, "server_key": &c.ServerKey}); err != nil {
		return ScramCredential{}, err
	}
	if err := fields.numbers(map[string]*int32{"iterations": &c.Iterations}); err != nil {
		return ScramCredential{}, err
	}
	return c, nil
}

// Value gives the credential as Kafka stores it. It is not called String lest a
// secret be printed by mistake.
func (c ScramCredential) Value() string {
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("salt=%s,stored_key=%s,server_key=%s,iterations=%d", encode(c.Salt), encode(c.StoredKey), encode(c.ServerKey), c.Iterations)
}

// String hides the keys.
func (c ScramCredential) String() string {
	return fmt.Sprintf("SCRAM credential of %d iterations", c.Iterations)
}

// Scram gives the credential of a mechanism in the configuration of a user, and
// false if there is none.
func (c *Config) Scram(m Mechanism) (ScramCredential, bool, error) {
	text, ok := c.Values[string(m)]
	if !ok {
		return ScramCredential{}, false, nil
	}
	credential, err := ParseScramCredential(text)
	return credential, true, err
}
