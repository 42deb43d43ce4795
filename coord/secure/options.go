package secure

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kafkacoord/coord/config"
)

// Family is one of the two parallel sets of TLS keys: its prefix in zoo.cfg
// (ZooKeeper: ClientX509Util.java, QuorumX509Util.java).
type Family string

// The families of keys.
const (
	// ClientFamily is for the ports of clients, and for clients themselves.
	ClientFamily Family = "ssl."
	// QuorumFamily is for both ports between servers.
	QuorumFamily Family = "ssl.quorum."
)

// defaultDetection is how long a port for both plain connections and TLS waits
// for the first bytes.
const defaultDetection = 5 * time.Second

// TLSOptions is what an operator configured of one family.
type TLSOptions struct {
	Family     Family
	KeyStore   Store
	TrustStore Store
	// MinVersion and MaxVersion are TLS versions of crypto/tls, 1.2 and 1.3 unless
	// narrowed.
	MinVersion, MaxVersion uint16
	// CipherSuites are those of TLS 1.2; nil = Go's choice.
	CipherSuites []uint16
	// ClientAuth is none, want or need; need unless set.
	ClientAuth tls.ClientAuthType
	// VerifyHost makes a dialling side look for the host in the certificate of
	// the server; VerifyClientHost makes an accepting side look for the host of
	// the dialler in that of the client.
	VerifyHost       bool
	VerifyClientHost bool
	// Detection is how long a port for both waits for the first bytes.
	Detection time.Duration
	// Warnings are for the log: settings that do less than they seem to.
	Warnings []string
}

// ReadTLSOptions takes the TLS keys of a family out of a configuration. No file
// is read. An error names the key that cannot be followed.
func ReadTLSOptions(c *config.Config, family Family) (TLSOptions, error) {
	r := optionReader{config: c, family: family}
	o := TLSOptions{
		Family:     family,
		KeyStore:   r.store("keyStore."),
		TrustStore: r.store("trustStore."),
		ClientAuth: r.clientAuth(),
		VerifyHost: r.bool("hostnameVerification", true),
		Detection:  r.detection(),
	}
	o.VerifyClientHost = o.VerifyHost && r.bool("clientHostnameVerification", family == QuorumFamily)
	o.MinVersion, o.MaxVersion = r.versions()
	r.ciphers(&o)
	r.unsupported()
	o.Warnings = r.warnings
	return o, errors.Join(r.faults...)
}

// optionReader collects what is wrong on the way.
type optionReader struct {
	config   *config.Config
	family   Family
	warnings []string
	faults   []error
}

func (r *optionReader) key(name string) string { return string(r.family) + name }

// text is the trimmed value of a key, empty when it is not set.
func (r *optionReader) text(name string) string {
	value, _ := r.config.Property(r.key(name))
	return strings.TrimSpace(value)
}

func (r *optionReader) fail(name, format string, arguments ...any) {
	r.faults = append(r.faults, fmt.Errorf("secure: %s: "+format, append([]any{r.key(name)}, arguments...)...))
}

func (r *optionReader) warn(name, format string, arguments ...any) {
	r.warnings = append(r.warnings, r.key(name)+": "+fmt.Sprintf(format, arguments...))
}

// bool reads as Java does: true in any case is true, all else is false.
func (r *optionReader) bool(name string, fallback bool) bool {
	if text := r.text(name); text != "" {
		return strings.EqualFold(text, "true")
	}
	return fallback
}

func (r *optionReader) store(prefix string) Store {
	password, _ := r.config.Property(r.key(prefix + "password"))
	return Store{
		Key: r.key(prefix + "location"), Location: r.text(prefix + "location"), Type: r.text(prefix + "type"),
		Password: Secret(password), PasswordPath: r.text(prefix + "passwordPath"),
	}
}

func (r *optionReader) clientAuth() tls.ClientAuthType {
	switch text := strings.ToLower(r.text("clientAuth")); text {
	case "", "need":
		return tls.RequireAndVerifyClientCert
	case "want":
		return tls.VerifyClientCertIfGiven
	case "none":
		return tls.NoClientCert
	default:
		r.fail("clientAuth", "%q is none of none, want and need", text)
		return tls.RequireAndVerifyClientCert
	}
}

func (r *optionReader) detection() time.Duration {
	const name = "handshakeDetectionTimeoutMillis"
	text := r.text(name)
	if text == "" {
		return defaultDetection
	}
	millis, err := strconv.ParseInt(text, 10, 32)
	if err != nil || millis < 1 {
		r.warn(name, "%q is no number of milliseconds; %v is used", text, defaultDetection)
		return defaultDetection
	}
	return time.Duration(millis) * time.Millisecond
}

// versions reads enabledProtocols or, without it, protocol. ZooKeeper offers only
// the latest when neither is set; this server offers 1.2 as well, because Kafka's
// client asks for that by default.
func (r *optionReader) versions() (lowest, highest uint16) {
	name, text := "enabledProtocols", r.text("enabledProtocols")
	if text == "" {
		name, text = "protocol", r.text("protocol")
	}
	if text == "" || strings.EqualFold(text, "TLS") {
		return tls.VersionTLS12, tls.VersionTLS13
	}
	for _, word := range commaWords(text) {
		var version uint16
		switch strings.ToUpper(word) {
		case "TLSV1.2":
			version = tls.VersionTLS12
		case "TLSV1.3":
			version = tls.VersionTLS13
		default:
			r.warn(name, "%s is not served; TLSv1.2 and TLSv1.3 are", word)
			continue
		}
		if lowest == 0 || version < lowest {
			lowest = version
		}
		highest = max(highest, version)
	}
	if lowest == 0 {
		r.fail(name, "%q names no protocol that is served; use TLSv1.2,TLSv1.3", text)
	}
	return lowest, highest
}

// ciphers reads the cipher suites, which are named as in Java, and narrows the
// versions to those for which a suite is named.
func (r *optionReader) ciphers(o *TLSOptions) {
	const name = "ciphersuites"
	text := r.text(name)
	if text == "" {
		return
	}
	var newer, newerKnown int // suites of TLS 1.3
	for _, suite := range tls.CipherSuites() {
		if slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			continue
		}
		newerKnown++
		if slices.Contains(commaWords(text), suite.Name) {
			newer++
		}
	}
	for _, word := range commaWords(text) {
		suite := cipherSuite(word)
		switch {
		case suite == nil || strings.Contains(word, "_RC4_") || strings.Contains(word, "_3DES_"):
			r.warn(name, "%s is not supported and left out", word)
		case !slices.Contains(suite.SupportedVersions, tls.VersionTLS12): // counted above
		default:
			if suite.Insecure {
				r.warn(name, "%s is weak; prefer a suite with ECDHE and GCM", word)
			}
			o.CipherSuites = append(o.CipherSuites, suite.ID)
		}
	}
	switch {
	case newer == 0 && len(o.CipherSuites) == 0:
		r.fail(name, "%q names no cipher suite that is supported", text)
		return
	case newer == 0:
		o.MaxVersion = tls.VersionTLS12
	case newer < newerKnown:
		r.warn(name, "all %d cipher suites of TLS 1.3 are offered, not only those named: all are strong and none can be left out", newerKnown)
	}
	if len(o.CipherSuites) == 0 {
		o.MinVersion = tls.VersionTLS13
	}
	if o.MinVersion > o.MaxVersion {
		r.fail(name, "%q has no cipher suite for the enabled protocols", text)
	}
}

func cipherSuite(name string) *tls.CipherSuite {
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if suite.Name == name {
			return suite
		}
	}
	return nil
}

// unsupported refuses what would leave a port less guarded than it seems, and
// remarks on what has no effect.
func (r *optionReader) unsupported() {
	for _, name := range []string{"crl", "ocsp"} {
		if r.bool(name, false) {
			r.fail(name, "revocation of certificates is not checked by this server, so it does not start with this key. "+
				"Remove the line, and take a certificate out of use by replacing its authority in the trust store or by short validity")
		}
	}
	if r.bool("allowReverseDnsLookup", false) {
		r.warn("allowReverseDnsLookup", "host names are not looked up from addresses: whoever answers such queries could vouch for a stranger. "+
			"The certificate must have the address, or on quorum ports a host of the list of servers, as subject alternative name")
	}
}

// commaWords splits a list and drops blanks and empty words.
func commaWords(text string) []string {
	var words []string
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}
