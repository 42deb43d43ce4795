package secure

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// reloadInterval is the least time between two looks at the files.
const reloadInterval = 500 * time.Millisecond

// Keys holds the certificate, private key and trusted authorities of one family
// and makes TLS configurations with them.
//
// The files are looked at again when a handshake begins, at most every half
// second, and taken over when their content has changed: also when a link to them
// was turned, as Kubernetes does. Connections that stand are not touched. Files
// that cannot be used are reported once, and the former ones stay in force.
//
// Methods may be called from any number of goroutines.
type Keys struct {
	options TLSOptions
	now     func() time.Time
	log     *slog.Logger

	current  atomic.Pointer[generation]
	looking  atomic.Bool  // one handshake at a time looks at the files
	lookedAt atomic.Int64 // Unix nanoseconds
	refused  [sha256.Size]byte
	unread   string // the last error of reading; owned by whoever set looking, as refused is
}

// generation is what the files held at one time. It never changes.
type generation struct {
	sum         [sha256.Size]byte
	certificate *tls.Certificate // nil without key store
	roots       *x509.CertPool   // nil: those of the system
	server      *tls.Config
}

// OpenKeys reads the stores. now is the clock, by which certificates expire, too;
// nil = time.Now. Warnings and reloads go to log; nil drops them. The error names
// the file and what is wrong with it.
func OpenKeys(o TLSOptions, now func() time.Time, log *slog.Logger) (*Keys, error) {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	k := &Keys{options: o, now: now, log: log}
	for _, warning := range o.Warnings {
		log.Warn("TLS: " + warning)
	}
	if o.TrustStore.Location == "" {
		if o.Family == QuorumFamily {
			return nil, fmt.Errorf("secure: %s is not set: the authorities that every public site is certified by must not vouch for servers of the ensemble",
				o.TrustStore.Key)
		}
		log.Warn("TLS: no trust store is set; the authorities that this system trusts are used", "key", o.TrustStore.Key)
	}
	files, err := k.readFiles()
	if err != nil {
		return nil, err
	}
	g, err := k.build(files)
	if err != nil {
		return nil, err
	}
	k.current.Store(g)
	k.lookedAt.Store(now().UnixNano())
	return k, nil
}

// Options are what the keys were opened with.
func (k *Keys) Options() TLSOptions { return k.options }

// Certificate is the certificate that is shown now; nil without key store. Its
// validity is worth a metric.
func (k *Keys) Certificate() *x509.Certificate {
	if c := k.fresh().certificate; c != nil {
		return c.Leaf
	}
	return nil
}

var errNoKeyStore = errors.New("a key store is required on the accepting side of TLS")

// Server is the configuration of an accepting side: the certificates in force at
// the time of each handshake, clients verified as configured. It fails without a
// key store.
func (k *Keys) Server() (*tls.Config, error) {
	return k.server(nil)
}

// server is Server with the hosts, nil for none, that a client's certificate may
// name besides its address, when clients' hosts are verified.
func (k *Keys) server(hosts func() []string) (*tls.Config, error) {
	if hosts == nil {
		hosts = func() []string { return nil }
	}
	if k.options.KeyStore.Location == "" {
		return nil, fmt.Errorf("secure: %w: set %s", errNoKeyStore, k.options.KeyStore.Key)
	}
	return &tls.Config{
		MinVersion: k.options.MinVersion,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			c := k.fresh().server
			if !k.options.VerifyClientHost {
				return c, nil
			}
			c = c.Clone()
			remote := remoteHost(hello.Conn)
			c.VerifyConnection = func(state tls.ConnectionState) error {
				if len(state.PeerCertificates) == 0 { // tolerated by clientAuth=want
					return nil
				}
				return matchHost(state.PeerCertificates[0], slices.Concat(hosts(), []string{remote}))
			}
			return c, nil
		},
	}, nil
}

// Client is the configuration of a dialling side: host is the name that was
// dialled, which the certificate of the server must have unless
// hostnameVerification is off.
func (k *Keys) Client(host string) *tls.Config {
	return &tls.Config{
		MinVersion: k.options.MinVersion, MaxVersion: k.options.MaxVersion, CipherSuites: k.options.CipherSuites,
		Time: k.now, ServerName: host, SessionTicketsDisabled: true,
		// The authorities can change while the configuration is in use, and
		// certificates without subject alternative names are let through as in
		// Java, so verification is VerifyConnection's.
		InsecureSkipVerify: true,
		VerifyConnection:   func(state tls.ConnectionState) error { return k.verifyServer(state, host) },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if c := k.fresh().certificate; c != nil {
				return c, nil
			}
			return &tls.Certificate{}, nil
		},
	}
}

func (k *Keys) verifyServer(state tls.ConnectionState, host string) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server showed no certificate")
	}
	leaf := state.PeerCertificates[0]
	intermediates := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		intermediates.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: k.fresh().roots, Intermediates: intermediates, CurrentTime: k.now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
	}
	if !k.options.VerifyHost {
		return nil
	}
	return matchHost(leaf, []string{host})
}

// HostError is a certificate that is in order but of somebody else.
type HostError struct {
	// Subject is whom the certificate is of, Hosts are the names that were
	// looked for in it.
	Subject string
	Hosts   []string
}

// Error says what to do, too.
func (e *HostError) Error() string {
	return fmt.Sprintf("the certificate of %q has none of the names %s: issue it with them as subject alternative names (DNS or IP)",
		e.Subject, strings.Join(e.Hosts, ", "))
}

// matchHost looks for one of the hosts among the subject alternative names; a
// certificate without any has its name in the common name, as for Java.
func matchHost(leaf *x509.Certificate, hosts []string) error {
	unnamed := len(leaf.DNSNames) == 0 && len(leaf.IPAddresses) == 0
	for _, host := range hosts {
		if leaf.VerifyHostname(host) == nil || unnamed && leaf.Subject.CommonName != "" && strings.EqualFold(leaf.Subject.CommonName, host) {
			return nil
		}
	}
	return &HostError{Subject: leaf.Subject.String(), Hosts: hosts}
}

// remoteHost is the address of the other side without its port.
func remoteHost(nc net.Conn) string {
	host, _, err := net.SplitHostPort(nc.RemoteAddr().String())
	if err != nil {
		return ""
	}
	host, _, _ = strings.Cut(host, "%")
	return host
}

// fresh is the generation in force, after a look at the files when it is time.
func (k *Keys) fresh() *generation {
	now := k.now().UnixNano()
	since := now - k.lookedAt.Load()
	if since >= 0 && since < int64(reloadInterval) || !k.looking.CompareAndSwap(false, true) {
		return k.current.Load()
	}
	defer k.looking.Store(false)
	k.lookedAt.Store(now)
	k.reload()
	return k.current.Load()
}

// reload takes changed files over. Whoever calls it has set looking.
func (k *Keys) reload() {
	files, err := k.readFiles()
	if err != nil {
		if k.unread != err.Error() {
			k.unread = err.Error()
			k.log.Error("TLS: a file cannot be read; the former certificates stay in force", "family", string(k.options.Family), "error", err)
		}
		return
	}
	k.unread = ""
	if files.sum == k.current.Load().sum || files.sum == k.refused {
		return
	}
	g, err := k.build(files)
	if err != nil {
		k.refused = files.sum
		k.log.Error("TLS: changed files cannot be used; the former certificates stay in force", "family", string(k.options.Family), "error", err)
		return
	}
	k.current.Store(g)
	args := []any{"family", string(k.options.Family)}
	if g.certificate != nil {
		args = append(args, "subject", g.certificate.Leaf.Subject.String(), "not_after", g.certificate.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	k.log.Info("TLS: changed certificates are in force for new connections", args...)
}

// files is what all files of a family hold.
type files struct {
	keys, trust storeContent
	sum         [sha256.Size]byte
}

func (k *Keys) readFiles() (f files, err error) {
	sum := sha256.New()
	for _, part := range []struct {
		store   *Store
		content *storeContent
	}{{&k.options.KeyStore, &f.keys}, {&k.options.TrustStore, &f.trust}} {
		if part.store.Location == "" {
			continue
		}
		if *part.content, err = part.store.read(); err != nil {
			return files{}, err
		}
		inner := sha256.Sum256(part.content.data)
		sum.Write(inner[:])
		inner = sha256.Sum256([]byte(part.content.password))
		sum.Write(inner[:])
	}
	sum.Sum(f.sum[:0])
	return f, nil
}

// build makes a generation of what the files hold.
func (k *Keys) build(f files) (*generation, error) {
	g := &generation{sum: f.sum}
	var err error
	if k.options.KeyStore.Location != "" {
		if g.certificate, err = k.options.KeyStore.identity(f.keys, k.now()); err != nil {
			return nil, err
		}
	}
	if k.options.TrustStore.Location != "" {
		if g.roots, err = k.options.TrustStore.roots(f.trust); err != nil {
			return nil, err
		}
	}
	g.server = &tls.Config{
		MinVersion: k.options.MinVersion, MaxVersion: k.options.MaxVersion, CipherSuites: k.options.CipherSuites,
		Time: k.now, ClientAuth: k.options.ClientAuth, ClientCAs: g.roots,
		// A ticket of before a reload would let a client in whose authority is
		// no longer trusted.
		SessionTicketsDisabled: true,
	}
	if g.certificate != nil {
		g.server.Certificates = []tls.Certificate{*g.certificate}
	}
	return g, nil
}
