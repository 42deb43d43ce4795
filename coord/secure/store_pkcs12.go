package secure

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// pkcs12Identity takes the key of a store and all certificates, in any order.
func pkcs12Identity(data []byte, password Secret) (crypto.PrivateKey, []*x509.Certificate, error) {
	key, leaf, authorities, err := pkcs12.DecodeChain(data, string(password))
	if err != nil {
		return nil, nil, pkcs12Fault(err)
	}
	return key, append([]*x509.Certificate{leaf}, authorities...), nil
}

// pkcs12Trusted takes the certificates of a store that marks them as trusted, as
// keytool does. A store with a private key beside them is refused: which of its
// certificates are only the chain of that key cannot be told.
func pkcs12Trusted(data []byte, password Secret) ([]*x509.Certificate, error) {
	trusted, err := pkcs12.DecodeTrustStore(data, string(password))
	if err != nil {
		return nil, pkcs12Fault(err)
	}
	return trusted, nil
}

func pkcs12Fault(err error) error {
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return ErrWrongPassword
	case strings.Contains(err.Error(), "private key missing"):
		return ErrNoPrivateKey
	case strings.Contains(err.Error(), "certificate missing"):
		return ErrNoCertificate
	case strings.Contains(err.Error(), "not marked as trusted"), strings.Contains(err.Error(), "items in the authenticated safe"),
		strings.Contains(err.Error(), "only certificate bags"):
		return fmt.Errorf("%w: its certificates are not marked as trusted entries; import them with keytool -importcert into a store of their own", ErrUnsupportedStore)
	default:
		return fmt.Errorf("%w: not read as PKCS12: %w", ErrUnsupportedStore, err)
	}
}
