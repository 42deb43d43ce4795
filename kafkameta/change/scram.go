package change

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"

	"kafkacoord/kafkameta/model"
)

// saltBytes is the length of a new salt: Kafka draws 130 bits as text.
const saltBytes = 20

// NewCredential derives what a server keeps of a password (RFC 5802, section
// 3). The password is taken as it is: Kafka does not normalise either. Kafka:
// ScramFormatter.java.
func NewCredential(m model.Mechanism, password string, salt []byte, iterations int32) (model.ScramCredential, error) {
	var digest func() hash.Hash
	switch m {
	case model.ScramSHA256:
		digest = sha256.New
	case model.ScramSHA512:
		digest = sha512.New
	default:
		return model.ScramCredential{}, fmt.Errorf("change: %w: unknown mechanism %q", ErrInvalid, m)
	}
	switch {
	case password == "" || len(salt) == 0:
		return model.ScramCredential{}, fmt.Errorf("change: %w: empty password or salt", ErrInvalid)
	case iterations < model.ScramIterationsMin || iterations > model.ScramIterationsMax:
		return model.ScramCredential{}, fmt.Errorf("change: %w: %d iterations, must be %d to %d",
			ErrInvalid, iterations, model.ScramIterationsMin, model.ScramIterationsMax)
	}
	salted, err := pbkdf2.Key(digest, password, salt, int(iterations), m.KeyBytes())
	if err != nil {
		return model.ScramCredential{}, fmt.Errorf("change: derive a key: %w", err)
	}
	code := func(text string) []byte {
		mac := hmac.New(digest, salted)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	stored := digest()
	stored.Write(code("Client Key"))
	return model.ScramCredential{Salt: salt, StoredKey: stored.Sum(nil), ServerKey: code("Server Key"), Iterations: iterations}, nil
}

// SetCredential plans that a user logs in with a password; "" takes the
// credential of the mechanism away. iterations 0 is Kafka's default.
func (p *Planner) SetCredential(user string, m model.Mechanism, password string, iterations int32) (*Plan, error) {
	entity := model.UserEntity(user)
	if password == "" {
		return p.AlterConfig(entity, nil, []string{string(m)})
	}
	if iterations == 0 {
		iterations = model.ScramIterationsMin
	}
	salt := make([]byte, saltBytes)
	if err := p.random(salt); err != nil {
		return nil, err
	}
	credential, err := NewCredential(m, password, salt, iterations)
	if err != nil {
		return nil, err
	}
	return p.AlterConfig(entity, map[string]string{string(m): credential.Value()}, nil)
}
