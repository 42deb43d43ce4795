package secure

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord/config"
)

// testNow is the time of all tests with certificates made here.
var testNow = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

func testClock() time.Time { return testNow }

// authority is a certificate authority of a test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: testNow.Add(-time.Hour), NotAfter: testNow.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.certificate = sign(t, template, template, a.key, a.key)
	return a
}

func sign(t *testing.T, template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// issued is a certificate with its key.
type issued struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// issue signs a certificate for both sides of a connection. Names that are IP
// addresses become such.
func (a *authority) issue(t *testing.T, subject string, names []string, change func(*x509.Certificate)) issued {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: subject},
		NotBefore: testNow.Add(-time.Hour), NotAfter: testNow.Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	if change != nil {
		change(template)
	}
	key := newKey(t)
	return issued{sign(t, template, a.certificate, key, a.key), key}
}

func pemBlock(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

// text is a PEM key store.
func (i issued) text(t *testing.T) string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return pemBlock(pemPKCS8, key) + pemBlock(pemCertificate, i.certificate.Raw)
}

// text is a PEM trust store.
func (a *authority) text() string { return pemBlock(pemCertificate, a.certificate.Raw) }

func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// parseConfig reads lines of a zoo.cfg.
func parseConfig(t *testing.T, lines ...string) *config.Config {
	t.Helper()
	lines = append([]string{"dataDir=/data", "clientPort=2181"}, lines...)
	c, _, err := config.Parse(strings.NewReader(strings.Join(lines, "\n")), "zoo.cfg")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// openKeys writes PEM stores and opens them with more lines of configuration.
func openKeys(t *testing.T, family Family, own issued, trusted *authority, lines ...string) *Keys {
	t.Helper()
	dir := t.TempDir()
	all := append([]string{
		string(family) + "keyStore.location=" + writeFile(t, dir, "key.pem", own.text(t)),
		string(family) + "trustStore.location=" + writeFile(t, dir, "trust.pem", trusted.text()),
	}, lines...)
	return mustOpen(t, family, all...)
}

func mustOpen(t *testing.T, family Family, lines ...string) *Keys {
	t.Helper()
	o, err := ReadTLSOptions(parseConfig(t, lines...), family)
	if err != nil {
		t.Fatal(err)
	}
	k, err := OpenKeys(o, testClock, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// connected are two ends of a TCP connection.
func connected(t *testing.T) (dialled, accepted net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if dialled, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if accepted, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = dialled.Close(), accepted.Close() })
	return dialled, accepted
}
