package secure

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// The labels of the blocks that count in a PEM file.
const (
	pemCertificate  = "CERTIFICATE"
	pemPKCS8        = "PRIVATE KEY"
	pemEncrypted    = "ENCRYPTED PRIVATE KEY"
	pemRSA          = "RSA PRIVATE KEY"
	pemEC           = "EC PRIVATE KEY"
	pemProcType     = "Proc-Type" // of OpenSSL's own encryption of PKCS1 keys
	pemTrustedLabel = "TRUSTED CERTIFICATE"
)

// pemIdentity takes the one private key of a PEM file, and its certificates in
// the order of the file: the first is the one to show (ZooKeeper: PemReader.java).
func pemIdentity(data []byte, password Secret) (crypto.PrivateKey, []*x509.Certificate, error) {
	var key crypto.PrivateKey
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		found, err := pemKey(block, password)
		switch {
		case err != nil:
			return nil, nil, err
		case found == nil:
		case key != nil:
			return nil, nil, fmt.Errorf("%w: it holds more than one private key", ErrUnsupportedStore)
		default:
			key = found
		}
	}
	if key == nil {
		return nil, nil, ErrNoPrivateKey
	}
	chain, err := pemCertificates(data)
	return key, chain, err
}

// pemKey reads a block that holds a private key; nil for any other block.
func pemKey(block *pem.Block, password Secret) (crypto.PrivateKey, error) {
	var key crypto.PrivateKey
	var err error
	switch block.Type {
	case pemPKCS8:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case pemEncrypted:
		var plain []byte
		if plain, err = decryptPKCS8(block.Bytes, password); err != nil {
			return nil, err
		}
		if key, err = x509.ParsePKCS8PrivateKey(plain); err != nil {
			return nil, ErrWrongPassword // the padding was right by chance
		}
	case pemRSA, pemEC:
		if block.Headers[pemProcType] != "" {
			return nil, fmt.Errorf("%w: a private key encrypted in OpenSSL's old form; convert it with openssl pkcs8 -topk8", ErrUnsupportedStore)
		}
		if block.Type == pemRSA {
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		} else {
			key, err = x509.ParseECPrivateKey(block.Bytes)
		}
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: block %q: %w", ErrUnsupportedStore, block.Type, err)
	}
	return key, nil
}

// pemCertificates takes all certificates of a PEM file.
func pemCertificates(data []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch block.Type {
		case pemTrustedLabel:
			return nil, fmt.Errorf("%w: a block %q; convert it with openssl x509", ErrUnsupportedStore, block.Type)
		case pemCertificate:
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("%w: certificate %d of the file: %w", ErrUnsupportedStore, len(all)+1, err)
			}
			all = append(all, certificate)
		}
	}
	if len(all) == 0 {
		return nil, ErrNoCertificate
	}
	return all, nil
}
