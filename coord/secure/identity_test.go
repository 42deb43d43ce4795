package secure

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

// goldenLines reads hex fields of a file that Java wrote.
func goldenLines(t testing.TB, file string) [][][]byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][][]byte
	for line := range strings.Lines(string(text)) {
		var fields [][]byte
		for field := range strings.SplitSeq(strings.TrimSuffix(line, "\n"), " ") {
			b, err := hex.DecodeString(field)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			fields = append(fields, b)
		}
		lines = append(lines, fields)
	}
	if len(lines) == 0 {
		t.Fatalf("%s is empty", file)
	}
	return lines
}

// TestDistinguishedName compares with what X500Principal.getName printed.
func TestDistinguishedName(t *testing.T) {
	for _, line := range goldenLines(t, "testdata/names.txt") {
		got, err := DistinguishedName(line[0])
		if err != nil || got != string(line[1]) {
			t.Errorf("%x: %q, %v; Java prints %q", line[0], got, err, line[1])
		}
	}
}

func FuzzDistinguishedName(f *testing.F) {
	for _, line := range goldenLines(f, "testdata/names.txt") {
		f.Add(line[0])
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		name, err := DistinguishedName(der)
		if err != nil && name != "" {
			t.Errorf("both %q and %v", name, err)
		}
	})
}

func TestCertificateIdentities(t *testing.T) {
	ca := newAuthority(t, "CA")
	withURI := func(c *x509.Certificate) {
		c.URIs = []*url.URL{{Scheme: "spiffe", Host: "acme", Path: "/kafka/broker-1"}, {Scheme: "https", Host: "acme"}}
	}
	plain := ca.issue(t, "plain", []string{"a.example", "b.example"}, nil).certificate
	uri := ca.issue(t, "uri", nil, withURI).certificate
	nameless := ca.issue(t, "", nil, nil).certificate
	san := []string{"ssl.x509.clientCertIdType=SAN", "ssl.x509.clientCertIdSanMatchType=6", "ssl.x509.clientCertIdSanMatchRegex=^spiffe:"}
	x509ID := func(name string) []wire.ID { return []wire.ID{{Scheme: "x509", ID: name}} }
	for _, c := range []struct {
		name  string
		keys  []string
		leaf  *x509.Certificate
		want  []wire.ID
		warns bool
	}{
		{"subject", nil, plain, x509ID("CN=plain"), false},
		{"super user", []string{"X509AuthenticationProvider.superUser=CN=plain"}, plain, append(x509ID("CN=plain"), wire.ID{Scheme: "super", ID: "CN=plain"}), false},
		{"nearly the super user", []string{"X509AuthenticationProvider.superUser=CN=PLAIN"}, plain, x509ID("CN=plain"), false},
		{"no name and no super user", nil, nameless, nil, false},
		{"URI", san, uri, x509ID("spiffe://acme/kafka/broker-1"), false},
		{"part of a URI", append(san, "ssl.x509.clientCertIdSanExtractRegex=/kafka/(.+)$", "ssl.x509.clientCertIdSanExtractMatcherGroupIndex=1"), uri, x509ID("broker-1"), false},
		{"no such name", san, plain, x509ID("CN=plain"), true},
		{"two such names", []string{"ssl.x509.clientCertIdType=san", "ssl.x509.clientCertIdSanMatchType=2"}, plain, x509ID("CN=plain"), true},
		{"nothing extracted", append(san, "ssl.x509.clientCertIdSanExtractRegex=nowhere"), uri, x509ID("CN=uri"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			ids, err := ReadCertificates(parseConfig(t, c.keys...), slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			if got := ids.Identities(c.leaf); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
			if warned := log.Len() > 0; warned != c.warns {
				t.Errorf("log %q", log.String())
			}
		})
	}
	for _, line := range []string{
		"ssl.x509.clientCertIdSanMatchType=x", "ssl.x509.clientCertIdSanMatchType=4", "ssl.x509.clientCertIdSanMatchType=2\nssl.x509.clientCertIdSanMatchRegex=(",
		"ssl.x509.clientCertIdSanMatchType=2\nssl.x509.clientCertIdSanExtractRegex=(",
		"ssl.x509.clientCertIdSanMatchType=2\nssl.x509.clientCertIdSanExtractMatcherGroupIndex=1",
	} {
		if _, err := ReadCertificates(parseConfig(t, "ssl.x509.clientCertIdType=SAN", line), nil); err == nil || !strings.Contains(err.Error(), "clientCertIdSan") {
			t.Errorf("%s: %v", line, err)
		}
	}
}
