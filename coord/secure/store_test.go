package secure

import (
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// goldenTime is a time at which the certificates of testdata are valid.
var goldenTime = time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)

// openStore reads a store as an identity.
func openStore(s Store, now time.Time) error {
	content, err := s.read()
	if err != nil {
		return err
	}
	_, err = s.identity(content, now)
	return err
}

// TestJavaStores reads what keytool and openssl wrote, under every type that Java
// opens them with.
func TestJavaStores(t *testing.T) {
	for _, c := range []struct{ file, kind string }{
		{"server.jks", ""},
		{"server.jks", "jks"},
		{"server.jks", "PKCS12"},
		{"server.pkcs12", "PKCS12"},
		{"server.pkcs12", "p12"},
		{"server.pkcs12", "JKS"},
		{"server.pem", ""},
		{"server.pem", "PEM"},
	} {
		t.Run(c.file+" as "+c.kind, func(t *testing.T) {
			s := Store{Key: "ssl.keyStore.location", Location: filepath.Join("testdata", c.file), Type: c.kind, Password: "changeit"}
			content, err := s.read()
			if err != nil {
				t.Fatal(err)
			}
			certificate, err := s.identity(content, goldenTime)
			if err != nil {
				t.Fatal(err)
			}
			if got := certificate.Leaf.Subject.CommonName; got != "server" || len(certificate.Certificate) != 2 {
				t.Errorf("subject %q with %d certificates, want server and its issuer", got, len(certificate.Certificate))
			}
			s.Password = "a wrong one"
			content.password = s.Password
			_, err = s.identity(content, goldenTime)
			if !errors.Is(err, ErrWrongPassword) {
				t.Errorf("with a wrong password: %v", err)
			}
			for _, want := range []string{c.file, "ssl.keyStore.location", "ssl.keyStore.password"} {
				if err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("the error %q does not name %s", err, want)
				}
			}
			if err != nil && strings.Contains(err.Error(), "a wrong one") {
				t.Errorf("the error %q holds the password", err)
			}
		})
	}
	for _, c := range []struct{ file, kind string }{{"trust.jks", ""}, {"trust.pkcs12", "PKCS12"}, {"ca.pem", ""}, {"server.jks", ""}} {
		t.Run(c.file, func(t *testing.T) {
			s := Store{Key: "ssl.trustStore.location", Location: filepath.Join("testdata", c.file), Type: c.kind, Password: "changeit"}
			content, err := s.read()
			if err != nil {
				t.Fatal(err)
			}
			pool, err := s.roots(content)
			if err != nil || pool.Equal(x509.NewCertPool()) {
				t.Errorf("no authorities, error %v", err)
			}
		})
	}
}

func TestStoreFaults(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t, "CA")
	good := ca.issue(t, "server", []string{"localhost"}, nil)
	other := ca.issue(t, "other", nil, nil)
	old := ca.issue(t, "old", nil, func(c *x509.Certificate) { c.NotAfter = testNow.Add(-time.Minute) })
	early := ca.issue(t, "early", nil, func(c *x509.Certificate) { c.NotBefore = testNow.Add(time.Minute) })
	trust, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{ca.certificate}, "secret")
	if err != nil {
		t.Fatal(err)
	}
	mixed := strings.Replace(good.text(t), pemBlock(pemCertificate, good.certificate.Raw), pemBlock(pemCertificate, other.certificate.Raw), 1)
	for _, c := range []struct {
		name, file, text, kind string
		want                   error
	}{
		{name: "expired", file: "a.pem", text: old.text(t), want: ErrExpired},
		{name: "not yet valid", file: "a.pem", text: early.text(t), want: ErrNotYetValid},
		{name: "no key", file: "a.pem", text: ca.text(), want: ErrNoPrivateKey},
		{name: "no certificate", file: "a.pem", text: strings.SplitAfter(good.text(t), "END PRIVATE KEY-----\n")[0], want: ErrNoCertificate},
		{name: "foreign key", file: "a.pem", text: mixed, want: ErrKeyMismatch},
		{name: "two keys", file: "a.pem", text: good.text(t) + other.text(t), want: ErrUnsupportedStore},
		{name: "old encryption", file: "a.pem", text: "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", want: ErrUnsupportedStore},
		{name: "broken certificate", file: "a.pem", text: good.text(t) + pemBlock(pemCertificate, []byte("x")), want: ErrUnsupportedStore},
		{name: "trust store as key store", file: "a.p12", text: string(trust), want: ErrNoPrivateKey},
		{name: "unknown suffix", file: "a.keys", text: good.text(t), want: ErrUnsupportedStore},
		{name: "unknown type", file: "a.pem", text: good.text(t), kind: "BCFKS", want: ErrUnsupportedStore},
		{name: "text as JKS", file: "a.jks", text: "hello", want: ErrUnsupportedStore},
		{name: "text as PKCS12", file: "a.p12", text: "0hello", want: ErrUnsupportedStore},
		{name: "cut JKS", file: "a.jks", text: jksMagic + "\x00\x00\x00\x02\x7f\xff\xff\xff", want: ErrUnsupportedStore},
		{name: "too large", file: "a.pem", text: strings.Repeat("x", storeBytesMax+1), want: ErrTooLarge},
		{name: "fine", file: "a.pem", text: good.text(t)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Store{Key: "ssl.keyStore.location", Location: writeFile(t, dir, c.file, c.text), Type: c.kind, Password: "secret"}
			err := openStore(s, testNow)
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if err != nil && !strings.Contains(err.Error(), s.Location) {
				t.Errorf("the error %q does not name the file", err)
			}
		})
	}
	missing := Store{Key: "ssl.keyStore.location", Location: filepath.Join(dir, "missing.pem")}
	if err := openStore(missing, testNow); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestPasswordFile(t *testing.T) {
	s := Store{
		Key: "ssl.keyStore.location", Location: "testdata/server.jks", Password: "ignored",
		PasswordPath: writeFile(t, t.TempDir(), "password", "changeit\n"),
	}
	if err := openStore(s, goldenTime); err != nil {
		t.Error(err)
	}
	s.PasswordPath += ".missing"
	if err := openStore(s, goldenTime); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "ssl.keyStore.passwordPath") {
		t.Errorf("a missing password file: %v", err)
	}
}

// FuzzPEM reads key stores made of anything; the encrypted key of testdata leads
// to the decryption.
func FuzzPEM(f *testing.F) {
	for _, name := range []string{"testdata/ca.pem", "testdata/server.pem"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		key, chain, err := pemIdentity(text, "x")
		if err == nil && (key == nil || len(chain) == 0) {
			t.Error("neither an error nor an identity")
		}
	})
}
