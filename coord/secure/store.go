package secure

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// storeBytesMax bounds a key store, trust store or password file. Stores with
// every public root are some hundred KiB.
const storeBytesMax = 4 << 20

// What can be wrong with a store, for errors.Is. The error around it names the
// file and what to do.
var (
	ErrWrongPassword    = errors.New("the password is wrong")
	ErrNoPrivateKey     = errors.New("there is no private key in it")
	ErrNoCertificate    = errors.New("there is no certificate in it")
	ErrExpired          = errors.New("the certificate has expired")
	ErrNotYetValid      = errors.New("the certificate is not valid yet")
	ErrKeyMismatch      = errors.New("the private key does not belong to the certificate")
	ErrUnsupportedStore = errors.New("the format is not supported")
	ErrTooLarge         = errors.New("the file is too large")
)

// StoreKind is the format of a key or trust store.
type StoreKind string

// The formats that are read (ZooKeeper: KeyStoreFileType.java).
const (
	StoreJKS    StoreKind = "JKS"
	StorePKCS12 StoreKind = "PKCS12"
	StorePEM    StoreKind = "PEM"
)

// storeSuffixes tell the format of a store without a type.
var storeSuffixes = map[string]StoreKind{".jks": StoreJKS, ".p12": StorePKCS12, ".pfx": StorePKCS12, ".pem": StorePEM}

// Store names a key store or trust store as an operator configured it.
type Store struct {
	// Key is the configuration key of the location, such as
	// ssl.keyStore.location. Errors name it.
	Key string
	// Location is the file; empty = there is no such store.
	Location string
	// Type is JKS, PKCS12 or PEM in any case; empty = by the suffix of the file.
	Type string
	// Password opens the store and its private key. PasswordPath, which wins, is
	// a file that holds it; one line end behind it is dropped.
	Password     Secret
	PasswordPath string
}

// kind is the format of the store.
func (s *Store) kind() (StoreKind, error) {
	switch kind := StoreKind(strings.ToUpper(s.Type)); kind {
	case StoreJKS, StorePKCS12, StorePEM:
		return kind, nil
	case "P12", "PFX":
		return StorePKCS12, nil
	case "":
	default:
		return "", s.fault(fmt.Errorf("%w: type %s; use JKS, PKCS12 or PEM", ErrUnsupportedStore, s.Type))
	}
	for suffix, kind := range storeSuffixes {
		if strings.HasSuffix(strings.ToLower(s.Location), suffix) {
			return kind, nil
		}
	}
	return "", s.fault(fmt.Errorf("%w: Unable to auto-detect store file type from file name; set %s to JKS, PKCS12 or PEM",
		ErrUnsupportedStore, s.sibling("type")))
}

// sibling is the name of another key of the same store.
func (s *Store) sibling(name string) string { return strings.TrimSuffix(s.Key, "location") + name }

// fault puts the file and its key before an error.
func (s *Store) fault(err error) error {
	if errors.Is(err, ErrWrongPassword) {
		err = fmt.Errorf("%w; correct %s or the file that %s names", err, s.sibling("password"), s.sibling("passwordPath"))
	}
	return fmt.Errorf("secure: %s (%s): %w", s.Location, s.Key, err)
}

// storeContent is what the files of a store hold at one time.
type storeContent struct {
	data     []byte
	password Secret
}

// read takes the store and its password file as they are now.
func (s *Store) read() (storeContent, error) {
	data, err := readBounded(s.Location, storeBytesMax)
	if err != nil {
		return storeContent{}, s.fault(err)
	}
	content := storeContent{data: data, password: s.Password}
	if s.PasswordPath != "" {
		text, err := readBounded(s.PasswordPath, storeBytesMax)
		if err != nil {
			return storeContent{}, fmt.Errorf("secure: %s (%s): %w", s.PasswordPath, s.sibling("passwordPath"), err)
		}
		line := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
		content.password = Secret(line)
	}
	return content, nil
}

// identity reads a key store: the certificate to show, with its chain and key.
// The certificate must be valid at the time now.
func (s *Store) identity(content storeContent, now time.Time) (*tls.Certificate, error) {
	kind, err := s.kind()
	if err != nil {
		return nil, err
	}
	var key crypto.PrivateKey
	var chain []*x509.Certificate
	switch detect(kind, content.data) {
	case StoreJKS:
		key, chain, err = jksIdentity(content.data, content.password)
	case StorePKCS12:
		key, chain, err = pkcs12Identity(content.data, content.password)
	case StorePEM:
		key, chain, err = pemIdentity(content.data, content.password)
	}
	if err == nil {
		chain, err = chainOf(key, chain)
	}
	if err == nil {
		err = checkValidity(chain[0], now)
	}
	if err != nil {
		return nil, s.fault(err)
	}
	certificate := &tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		certificate.Certificate = append(certificate.Certificate, c.Raw)
	}
	return certificate, nil
}

// roots reads a trust store.
func (s *Store) roots(content storeContent) (*x509.CertPool, error) {
	kind, err := s.kind()
	if err != nil {
		return nil, err
	}
	var trusted []*x509.Certificate
	switch detect(kind, content.data) {
	case StoreJKS:
		trusted, err = jksTrusted(content.data, content.password)
	case StorePKCS12:
		trusted, err = pkcs12Trusted(content.data, content.password)
	case StorePEM:
		trusted, err = pemCertificates(content.data)
	}
	if err == nil && len(trusted) == 0 {
		err = ErrNoCertificate
	}
	if err != nil {
		return nil, s.fault(err)
	}
	pool := x509.NewCertPool()
	for _, c := range trusted {
		pool.AddCert(c)
	}
	return pool, nil
}

// detect corrects JKS and PKCS12 by what the file begins with. Java opens either
// format under both names, and keytool writes PKCS12 into files called .jks.
func detect(kind StoreKind, data []byte) StoreKind {
	switch {
	case kind == StorePEM:
		return kind
	case len(data) >= 4 && string(data[:4]) == jksMagic:
		return StoreJKS
	case len(data) > 0 && data[0] == derSequence:
		return StorePKCS12
	}
	return kind
}

// derSequence is the first byte of a DER encoded structure.
const derSequence = 0x30

// chainOf picks from the certificates of a store the one that belongs to the key,
// followed by its issuers as far as the store has them.
func chainOf(key crypto.PrivateKey, all []*x509.Certificate) ([]*x509.Certificate, error) {
	if len(all) == 0 {
		return nil, ErrNoCertificate
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%w: private key of type %T", ErrUnsupportedStore, key)
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	leaf := slices.IndexFunc(all, func(c *x509.Certificate) bool { return ok && public.Equal(c.PublicKey) })
	if leaf < 0 {
		return nil, ErrKeyMismatch
	}
	chain := []*x509.Certificate{all[leaf]}
	for last := all[leaf]; len(chain) <= len(all) && !bytes.Equal(last.RawIssuer, last.RawSubject); {
		issuer := slices.IndexFunc(all, func(c *x509.Certificate) bool { return last.CheckSignatureFrom(c) == nil })
		if issuer < 0 {
			break
		}
		last = all[issuer]
		chain = append(chain, last)
	}
	return chain, nil
}

// checkValidity refuses a certificate with which every handshake would fail.
func checkValidity(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("%w on %s: %s", ErrExpired, leaf.NotAfter.UTC().Format(time.RFC3339), leaf.Subject)
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("%w before %s: %s; is the clock of this machine right?", ErrNotYetValid,
			leaf.NotBefore.UTC().Format(time.RFC3339), leaf.Subject)
	}
	return nil
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	return data, nil
}
