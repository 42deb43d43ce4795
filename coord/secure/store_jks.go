package secure

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
)

// jksMagic is what a JKS file begins with.
const jksMagic = "\xfe\xed\xfe\xed"

// openJKS reads a store and checks its integrity with the password.
func openJKS(data []byte, password Secret) (keystore.KeyStore, error) {
	store := keystore.New(keystore.WithOrderedAliases())
	if len(data) < len(jksMagic) || string(data[:len(jksMagic)]) != jksMagic {
		return store, fmt.Errorf("%w: this is no JKS file", ErrUnsupportedStore)
	}
	err := store.Load(bytes.NewReader(data), []byte(password))
	switch {
	case err == nil:
		return store, nil
	case strings.Contains(err.Error(), "digest"):
		return store, ErrWrongPassword
	default:
		return store, fmt.Errorf("%w: broken JKS file: %w", ErrUnsupportedStore, err)
	}
}

// jksIdentity takes the first entry with a private key, in the order of aliases.
func jksIdentity(data []byte, password Secret) (crypto.PrivateKey, []*x509.Certificate, error) {
	store, err := openJKS(data, password)
	if err != nil {
		return nil, nil, err
	}
	for _, alias := range store.Aliases() {
		if !store.IsPrivateKeyEntry(alias) {
			continue
		}
		entry, err := store.GetPrivateKeyEntry(alias, []byte(password))
		if err != nil {
			return nil, nil, fmt.Errorf("%w for the key of entry %q: it must be the password of the store", ErrWrongPassword, alias)
		}
		key, err := x509.ParsePKCS8PrivateKey(entry.PrivateKey)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: private key of entry %q: %w", ErrUnsupportedStore, alias, err)
		}
		var chain []*x509.Certificate
		for _, c := range entry.CertificateChain {
			certificate, err := x509.ParseCertificate(c.Content)
			if err != nil {
				return nil, nil, fmt.Errorf("%w: certificate of entry %q: %w", ErrUnsupportedStore, alias, err)
			}
			chain = append(chain, certificate)
		}
		return key, chain, nil
	}
	return nil, nil, ErrNoPrivateKey
}

// jksTrusted takes the trusted certificates and, as Java does, those of entries
// with a key.
func jksTrusted(data []byte, password Secret) ([]*x509.Certificate, error) {
	store, err := openJKS(data, password)
	if err != nil {
		return nil, err
	}
	var trusted []*x509.Certificate
	for _, alias := range store.Aliases() {
		var content []byte
		switch {
		case store.IsTrustedCertificateEntry(alias):
			entry, err := store.GetTrustedCertificateEntry(alias)
			if err != nil {
				return nil, fmt.Errorf("%w: entry %q: %w", ErrUnsupportedStore, alias, err)
			}
			content = entry.Certificate.Content
		case store.IsPrivateKeyEntry(alias):
			chain, err := store.GetPrivateKeyEntryCertificateChain(alias)
			if err != nil || len(chain) == 0 {
				continue
			}
			content = chain[0].Content
		}
		certificate, err := x509.ParseCertificate(content)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate of entry %q: %w", ErrUnsupportedStore, alias, err)
		}
		trusted = append(trusted, certificate)
	}
	return trusted, nil
}
