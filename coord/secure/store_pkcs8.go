package secure

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"
)

// An encrypted PKCS8 key (RFC 5958), of which PBES2 with PBKDF2 and AES in CBC
// mode is read (RFC 8018): what openssl and keytool write.
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2Parameters struct {
		Derivation pkix.AlgorithmIdentifier
		Scheme     pkix.AlgorithmIdentifier
	}
	pbkdf2Parameters struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

// derivationsMax bounds the work that a file can ask for.
const derivationsMax = 10_000_000

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

// derivationHashes are the hashes of PBKDF2 by object identifier; SHA-1 is also
// what the absence of one means.
var derivationHashes = map[string]func() hash.Hash{
	"":                    sha1.New,
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
}

// cipherKeyBytes are the key lengths of AES-CBC by object identifier.
var cipherKeyBytes = map[string]int{
	"2.16.840.1.101.3.4.1.2":  16,
	"2.16.840.1.101.3.4.1.22": 24,
	"2.16.840.1.101.3.4.1.42": 32,
}

// decryptPKCS8 returns the plain PKCS8 structure of an encrypted one.
func decryptPKCS8(der []byte, password Secret) ([]byte, error) {
	var (
		key        encryptedKey
		parameters pbes2Parameters
		derivation pbkdf2Parameters
		vector     []byte
	)
	unsupported := func(what string) error {
		return fmt.Errorf("%w: encrypted private key: %s; use openssl pkcs8 -topk8 -v2 aes-256-cbc", ErrUnsupportedStore, what)
	}
	if _, err := asn1.Unmarshal(der, &key); err != nil {
		return nil, unsupported("it is broken")
	}
	if !key.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, unsupported("it is not encrypted with PBES2")
	}
	if _, err := asn1.Unmarshal(key.Algorithm.Parameters.FullBytes, &parameters); err != nil {
		return nil, unsupported("its parameters are broken")
	}
	if !parameters.Derivation.Algorithm.Equal(oidPBKDF2) {
		return nil, unsupported("its key is not derived with PBKDF2")
	}
	if _, err := asn1.Unmarshal(parameters.Derivation.Parameters.FullBytes, &derivation); err != nil {
		return nil, unsupported("its parameters are broken")
	}
	if _, err := asn1.Unmarshal(parameters.Scheme.Parameters.FullBytes, &vector); err != nil {
		return nil, unsupported("its parameters are broken")
	}
	length, known := cipherKeyBytes[parameters.Scheme.Algorithm.String()]
	newHash := derivationHashes[derivation.PRF.Algorithm.String()]
	switch {
	case !known:
		return nil, unsupported("its cipher is not AES in CBC mode")
	case newHash == nil:
		return nil, unsupported("its hash is unknown")
	case derivation.Iterations < 1 || derivation.Iterations > derivationsMax:
		return nil, unsupported("its number of iterations is out of range")
	case len(vector) != aes.BlockSize || len(key.Data) == 0 || len(key.Data)%aes.BlockSize != 0:
		return nil, unsupported("it is broken")
	}
	derived, err := pbkdf2.Key(newHash, string(password), derivation.Salt, derivation.Iterations, length)
	if err != nil {
		return nil, fmt.Errorf("derive the key of the private key: %w", err)
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, fmt.Errorf("decrypt the private key: %w", err)
	}
	plain := make([]byte, len(key.Data))
	cipher.NewCBCDecrypter(block, vector).CryptBlocks(plain, key.Data)
	return unpad(plain)
}

// unpad drops the padding of a decrypted text; a broken one means that the key
// was another.
func unpad(plain []byte) ([]byte, error) {
	count := int(plain[len(plain)-1])
	if count < 1 || count > aes.BlockSize || !bytes.Equal(plain[len(plain)-count:], bytes.Repeat([]byte{byte(count)}, count)) {
		return nil, ErrWrongPassword
	}
	return plain[:len(plain)-count], nil
}
