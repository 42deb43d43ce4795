package secure

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// shake does a handshake and sends a byte each way; it returns what each side
// failed with.
func shake(t *testing.T, server, client *tls.Config) (state tls.ConnectionState, serverErr, clientErr error) {
	t.Helper()
	dialled, accepted := connected(t)
	s, c := tls.Server(accepted, server), tls.Client(dialled, client)
	failed := make(chan error, 1)
	go func() {
		err := s.HandshakeContext(t.Context())
		if err == nil {
			_, err = io.CopyN(s, s, 1)
		}
		if err != nil {
			_ = accepted.Close()
		}
		failed <- err
	}()
	clientErr = c.HandshakeContext(t.Context())
	if clientErr == nil {
		if _, clientErr = c.Write([]byte("x")); clientErr == nil {
			_, clientErr = io.ReadFull(c, make([]byte, 1))
		}
	}
	_ = dialled.Close()
	return c.ConnectionState(), <-failed, clientErr
}

func serverConfig(t *testing.T, k *Keys) *tls.Config {
	t.Helper()
	c, err := k.Server()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestHandshakes(t *testing.T) {
	ca, foreign := newAuthority(t, "CA"), newAuthority(t, "Foreign CA")
	local := []string{"localhost", "127.0.0.1"}
	good := ca.issue(t, "peer", local, nil)
	elsewhere := ca.issue(t, "elsewhere", []string{"elsewhere.example"}, nil)
	named := ca.issue(t, "localhost", nil, nil)
	stranger := foreign.issue(t, "stranger", local, nil)
	serverOnly := ca.issue(t, "server only", local, func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] })
	const aes128, aes256 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
	for _, c := range []struct {
		name                 string
		server, client       issued
		serverCA, clientCA   *authority
		serverKeys, settings []string // after "ssl."
		serverKind           string   // "": it succeeds
		clientKind           string
		version              uint16
	}{
		{name: "both certificates", version: tls.VersionTLS13},
		{name: "client of 1.2", settings: []string{"protocol=TLSv1.2"}, version: tls.VersionTLS12},
		{name: "server of 1.2", serverKeys: []string{"enabledProtocols=TLSv1.2"}, version: tls.VersionTLS12},
		{
			name: "only 1.3 and only 1.2", serverKeys: []string{"enabledProtocols=TLSv1.3"}, settings: []string{"enabledProtocols=TLSv1.2"},
			serverKind: FailedVersion, clientKind: FailedVersion,
		},
		{name: "named suite", serverKeys: []string{"ciphersuites=" + aes256}, version: tls.VersionTLS12},
		{
			name: "no common suite", serverKeys: []string{"ciphersuites=" + aes256}, settings: []string{"ciphersuites=" + aes128},
			serverKind: FailedCipher, clientKind: FailedRefused,
		},
		{name: "client of a foreign CA", client: stranger, serverKind: FailedAuthority, clientKind: FailedRefused},
		{name: "server of a foreign CA", server: stranger, serverKind: FailedRefused, clientKind: FailedAuthority},
		{name: "client certificate not for clients", client: serverOnly, serverKind: FailedCertificate, clientKind: FailedRefused},
		{name: "server of another host", server: elsewhere, serverKind: FailedRefused, clientKind: FailedHost},
		{name: "server of another host, not verified", server: elsewhere, settings: []string{"hostnameVerification=false"}, version: tls.VersionTLS13},
		{name: "server named in its common name only", server: named, version: tls.VersionTLS13},
		{name: "client of another host", client: elsewhere, version: tls.VersionTLS13},
		{
			name: "client of another host, verified", client: elsewhere, serverKeys: []string{"clientHostnameVerification=true"},
			serverKind: FailedHost, clientKind: FailedRefused,
		},
		{name: "client of its host, verified", serverKeys: []string{"clientHostnameVerification=true"}, version: tls.VersionTLS13},
		{name: "unwanted certificate of a foreign CA", serverKeys: []string{"clientAuth=none"}, client: stranger, version: tls.VersionTLS13},
		{
			name: "wanted certificate of a foreign CA", serverKeys: []string{"clientAuth=Want"}, client: stranger,
			serverKind: FailedAuthority, clientKind: FailedRefused,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			orGood := func(i issued) issued {
				if i.key == nil {
					return good
				}
				return i
			}
			prefixed := func(keys []string) (lines []string) {
				for _, key := range keys {
					lines = append(lines, "ssl."+key)
				}
				return lines
			}
			server := openKeys(t, ClientFamily, orGood(c.server), ca, prefixed(c.serverKeys)...)
			client := openKeys(t, ClientFamily, orGood(c.client), ca, prefixed(c.settings)...)
			state, serverErr, clientErr := shake(t, serverConfig(t, server), client.Client("localhost"))
			for _, side := range []struct {
				name, want string
				err        error
			}{{"server", c.serverKind, serverErr}, {"client", c.clientKind, clientErr}} {
				switch {
				case side.want == "" && side.err != nil:
					t.Errorf("%s: %v", side.name, side.err)
				case side.want != "" && side.err == nil:
					t.Errorf("%s: no error, want %s", side.name, side.want)
				case side.want != "" && handshakeError(side.err).Kind != side.want:
					t.Errorf("%s: %s (%v), want %s", side.name, handshakeError(side.err).Kind, side.err, side.want)
				}
			}
			if c.serverKind == "" && state.Version != c.version {
				t.Errorf("version %s, want %s", tls.VersionName(state.Version), tls.VersionName(c.version))
			}
		})
	}
}

func TestClientWithoutCertificate(t *testing.T) {
	ca := newAuthority(t, "CA")
	trust := "ssl.trustStore.location=" + writeFile(t, t.TempDir(), "trust.pem", ca.text())
	for auth, want := range map[string]string{"need": FailedNoCert, "want": "", "none": ""} {
		t.Run(auth, func(t *testing.T) {
			server := openKeys(t, ClientFamily, ca.issue(t, "server", []string{"localhost"}, nil), ca, "ssl.clientAuth="+auth)
			client := mustOpen(t, ClientFamily, trust)
			_, serverErr, _ := shake(t, serverConfig(t, server), client.Client("localhost"))
			switch {
			case want == "" && serverErr != nil:
				t.Error(serverErr)
			case want != "" && (serverErr == nil || handshakeError(serverErr).Kind != want):
				t.Errorf("the server says %v, want %s", serverErr, want)
			}
		})
	}
	if _, err := mustOpen(t, ClientFamily, trust).Server(); !errors.Is(err, errNoKeyStore) {
		t.Errorf("a server without key store: %v", err)
	}
}

func TestExpiryInUse(t *testing.T) {
	ca := newAuthority(t, "CA")
	good := ca.issue(t, "peer", []string{"localhost"}, nil)
	short := ca.issue(t, "short", []string{"localhost"}, func(c *x509.Certificate) { c.NotAfter = testNow.Add(time.Minute) })
	server, client := openKeys(t, ClientFamily, good, ca), openKeys(t, ClientFamily, short, ca)
	server.now = func() time.Time { return testNow.Add(time.Hour - time.Second) }
	server.current.Load().server.Time = server.now
	_, serverErr, _ := shake(t, serverConfig(t, server), client.Client("localhost"))
	if serverErr == nil || handshakeError(serverErr).Kind != FailedExpired {
		t.Errorf("a client with an expired certificate: %v", serverErr)
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		line, fault, warning string
		check                func(o *TLSOptions) bool
	}{
		{line: "", check: func(o *TLSOptions) bool {
			return o.ClientAuth == tls.RequireAndVerifyClientCert && o.VerifyHost && !o.VerifyClientHost && o.Detection == defaultDetection
		}},
		{line: "ssl.clientAuth=maybe", fault: "ssl.clientAuth"},
		{line: "ssl.crl=true", fault: "ssl.crl"},
		{line: "ssl.ocsp=true", fault: "ssl.ocsp"},
		{line: "ssl.crl=false"},
		{line: "ssl.enabledProtocols=TLSv1.1, TLSv1.2", warning: "TLSv1.1", check: func(o *TLSOptions) bool { return o.MaxVersion == tls.VersionTLS12 }},
		{line: "ssl.enabledProtocols=TLSv1", fault: "ssl.enabledProtocols", warning: "TLSv1"},
		{line: "ssl.protocol=TLS", check: func(o *TLSOptions) bool {
			return o.MinVersion == tls.VersionTLS12 && o.MaxVersion == tls.VersionTLS13
		}},
		{line: "ssl.ciphersuites=TLS_NOT_REAL", fault: "ssl.ciphersuites", warning: "TLS_NOT_REAL"},
		{line: "ssl.ciphersuites=TLS_AES_128_GCM_SHA256", warning: "TLS 1.3", check: func(o *TLSOptions) bool { return o.MinVersion == tls.VersionTLS13 }},
		{
			line: "ssl.ciphersuites=SSL_OLD, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", warning: "SSL_OLD",
			check: func(o *TLSOptions) bool { return o.MaxVersion == tls.VersionTLS12 && len(o.CipherSuites) == 1 },
		},
		{line: "ssl.ciphersuites=TLS_RSA_WITH_AES_128_CBC_SHA", warning: "weak"},
		{line: "ssl.handshakeDetectionTimeoutMillis=0", warning: "handshakeDetectionTimeoutMillis"},
		{line: "ssl.handshakeDetectionTimeoutMillis=20", check: func(o *TLSOptions) bool { return o.Detection == 20*time.Millisecond }},
		{line: "ssl.hostnameVerification=false\nssl.clientHostnameVerification=true", check: func(o *TLSOptions) bool { return !o.VerifyClientHost }},
		{line: "ssl.allowReverseDnsLookup=true", warning: "allowReverseDnsLookup"},
	} {
		t.Run(c.line, func(t *testing.T) {
			o, err := ReadTLSOptions(parseConfig(t, c.line), ClientFamily)
			switch {
			case c.fault == "" && err != nil:
				t.Fatal(err)
			case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
				t.Fatalf("error %v, want one about %s", err, c.fault)
			}
			switch {
			case c.warning != "" && !strings.Contains(strings.Join(o.Warnings, "\n"), c.warning):
				t.Errorf("warnings %q, want one about %s", o.Warnings, c.warning)
			case c.warning == "" && len(o.Warnings) > 0:
				t.Errorf("warnings %q", o.Warnings)
			case c.check != nil && !c.check(&o):
				t.Errorf("options %+v", o)
			}
		})
	}
	o, err := ReadTLSOptions(parseConfig(t), QuorumFamily)
	if err != nil || !o.VerifyClientHost {
		t.Errorf("the hosts of servers that dial are not verified by default (%v)", err)
	}
	if _, err := OpenKeys(o, nil, nil); err == nil || !strings.Contains(err.Error(), "ssl.quorum.trustStore.location") {
		t.Errorf("servers trust the authorities of the system: %v", err)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	o, err := ReadTLSOptions(parseConfig(t, "ssl.keyStore.password=hunter2", "ssl.keyStore.location=/missing.pem"), ClientFamily)
	if err != nil {
		t.Fatal(err)
	}
	if o.KeyStore.Password != "hunter2" {
		t.Fatalf("password %q", string(o.KeyStore.Password))
	}
	var log bytes.Buffer
	l := slog.New(slog.NewJSONHandler(&log, nil))
	l.Info("x", "options", o, "pointer", &o, "secret", o.KeyStore.Password)
	l = slog.New(slog.NewTextHandler(&log, nil))
	l.Info("x", "options", o, "pointer", &o, "secret", o.KeyStore.Password)
	_, err = OpenKeys(o, testClock, l)
	l.Info("x", "error", err)
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log holds the password: %s", log.String())
	}
}

// TestReload changes files under a standing connection: it lives on, new ones get
// the new certificate, broken files change nothing.
func TestReload(t *testing.T) {
	ca, other := newAuthority(t, "CA"), newAuthority(t, "Other CA")
	first := ca.issue(t, "first", []string{"localhost"}, nil)
	dir := t.TempDir()
	key, trust := writeFile(t, dir, "key.pem", first.text(t)), writeFile(t, dir, "trust.pem", ca.text())
	o, err := ReadTLSOptions(parseConfig(t, "ssl.keyStore.location="+key, "ssl.trustStore.location="+trust), ClientFamily)
	if err != nil {
		t.Fatal(err)
	}
	var passed atomic.Int64 // of the clock
	var log bytes.Buffer
	server, err := OpenKeys(o, func() time.Time { return testNow.Add(time.Duration(passed.Load())) }, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	listening := serverConfig(t, server)
	client := openKeys(t, ClientFamily, ca.issue(t, "client", nil, nil), ca)
	shown := func() string {
		t.Helper()
		state, serverErr, clientErr := shake(t, listening, client.Client("localhost"))
		if serverErr != nil || clientErr != nil {
			t.Fatal(serverErr, clientErr)
		}
		return state.PeerCertificates[0].Subject.CommonName
	}

	dialled, accepted := connected(t)
	standing := tls.Server(accepted, listening)
	go func() { _, _ = io.Copy(standing, standing) }()
	c := tls.Client(dialled, client.Client("localhost"))
	echo := func() {
		t.Helper()
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	echo()

	writeFile(t, dir, "key.pem", ca.issue(t, "second", []string{"localhost"}, nil).text(t))
	if got := shown(); got != "first" {
		t.Errorf("%q is shown before the next look", got)
	}
	passed.Add(int64(reloadInterval))
	if got := shown(); got != "second" {
		t.Errorf("%q is shown after a change", got)
	}
	echo()

	// As Kubernetes does it: the file is a link that is turned.
	turned := writeFile(t, dir, "third.pem", ca.issue(t, "third", []string{"localhost"}, nil).text(t))
	if err := errors.Join(os.Symlink(turned, filepath.Join(dir, "link")), os.Rename(filepath.Join(dir, "link"), key)); err != nil {
		t.Fatal(err)
	}
	passed.Add(int64(reloadInterval))
	if got := shown(); got != "third" {
		t.Errorf("%q is shown after a link was turned", got)
	}

	writeFile(t, dir, "third.pem", "half a fi")
	for range 3 {
		passed.Add(int64(reloadInterval))
		if got := shown(); got != "third" {
			t.Errorf("%q is shown after a broken change", got)
		}
	}
	if err := os.Remove(turned); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		passed.Add(int64(reloadInterval))
		if got := shown(); got != "third" {
			t.Errorf("%q is shown after the file went", got)
		}
	}
	for _, text := range []string{"changed files cannot be used", "a file cannot be read"} {
		if got := strings.Count(log.String(), text); got != 1 {
			t.Errorf("%d lines say %q, want 1:\n%s", got, text, log.String())
		}
	}

	writeFile(t, dir, "third.pem", ca.issue(t, "fourth", []string{"localhost"}, nil).text(t))
	writeFile(t, dir, "trust.pem", other.text())
	passed.Add(int64(reloadInterval))
	if _, serverErr, _ := shake(t, listening, client.Client("localhost")); serverErr == nil || handshakeError(serverErr).Kind != FailedAuthority {
		t.Errorf("a client of an authority that is trusted no more: %v", serverErr)
	}
	if got := server.Certificate().Subject.CommonName; got != "fourth" {
		t.Errorf("%q is in force", got)
	}
	echo()
	if slices.Contains(strings.Fields(log.String()), "PRIVATE") {
		t.Error("the log holds a key")
	}
}
