package change

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"

	"kafkacoord/kafkameta/model"
)

// TestCredentialOfRFC7677 logs in as the example of RFC 7677, section 3, does.
func TestCredentialOfRFC7677(t *testing.T) {
	decode := func(text string) []byte {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	c, err := NewCredential(model.ScramSHA256, "pencil", decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
	if err != nil {
		t.Fatal(err)
	}
	const message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
		"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	sign := func(key []byte) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(message))
		return mac.Sum(nil)
	}
	if got := base64.StdEncoding.EncodeToString(sign(c.ServerKey)); got != "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" {
		t.Errorf("server signature %s", got)
	}
	clientKey := decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=") // the proof of the example
	for i, b := range sign(c.StoredKey) {
		clientKey[i] ^= b
	}
	if stored := sha256.Sum256(clientKey); string(stored[:]) != string(c.StoredKey) {
		t.Error("the example's proof does not open the stored key")
	}
}

func TestCredentialRefuses(t *testing.T) {
	salt := []byte("salt")
	for name, make := range map[string]func() (model.ScramCredential, error){
		"mechanism":  func() (model.ScramCredential, error) { return NewCredential("PLAIN", "p", salt, 4096) },
		"password":   func() (model.ScramCredential, error) { return NewCredential(model.ScramSHA512, "", salt, 4096) },
		"iterations": func() (model.ScramCredential, error) { return NewCredential(model.ScramSHA512, "p", salt, 4095) },
	} {
		if _, err := make(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
