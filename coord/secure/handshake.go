package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"strings"
)

// Kinds of failed handshakes, for counters.
const (
	FailedPlain       = "not_tls"
	FailedVersion     = "protocol_version"
	FailedCipher      = "cipher_suite"
	FailedNoCert      = "no_certificate"
	FailedAuthority   = "unknown_authority"
	FailedExpired     = "certificate_expired"
	FailedCertificate = "certificate_invalid"
	FailedHost        = "certificate_of_other_host"
	FailedRefused     = "refused_by_peer"
	FailedTime        = "timeout"
	FailedGone        = "connection_lost"
	FailedTooMany     = "too_many_handshakes"
	FailedOther       = "other"
)

// HandshakeError is a TLS handshake that failed. The other side has been told
// nothing but a TLS alert.
type HandshakeError struct {
	// Kind is one of the Failed constants.
	Kind string
	// Advice is for the operator: what it looks like and what to do; may be
	// empty.
	Advice string
	Cause  error
}

// Error has the advice.
func (e *HandshakeError) Error() string {
	text := "secure: TLS handshake: " + e.Cause.Error()
	if e.Advice != "" {
		text += "; " + e.Advice
	}
	return text
}

// Unwrap returns the cause.
func (e *HandshakeError) Unwrap() error { return e.Cause }

var errTooManyHandshakes = errors.New("too many handshakes are under way")

// handshakeSymptoms tell failures apart for which crypto/tls has no type, by a
// part of their text.
var handshakeSymptoms = []struct{ part, kind, advice string }{
	{"unsupported versions", FailedVersion, "the other side offers none of our protocol versions (enabledProtocols)"},
	{"protocol version not supported", FailedVersion, "the other side serves none of our protocol versions (enabledProtocols)"},
	{"server selected unsupported protocol version", FailedVersion, "the other side serves none of our protocol versions (enabledProtocols)"},
	{"no cipher suite", FailedCipher, "the two sides have no cipher suite in common (ciphersuites)"},
	{"client didn't provide a certificate", FailedNoCert, "clients must show a certificate (clientAuth=need): give the client a key store"},
}

// handshakeError sorts a failed handshake.
func handshakeError(err error) *HandshakeError {
	e := &HandshakeError{Kind: FailedOther, Cause: err}
	var (
		header  tls.RecordHeaderError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		host    *HostError
		broken  *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, errTooManyHandshakes):
		e.Kind = FailedTooMany
	case errors.As(err, &header):
		e.Kind, e.Advice = FailedPlain, "this port speaks TLS only; is the client one without TLS?"
	case errors.As(err, &host):
		e.Kind = FailedHost
	case errors.As(err, &unknown):
		e.Kind, e.Advice = FailedAuthority, "add the authority that issued the certificate to the trust store"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		e.Kind, e.Advice = FailedExpired, "renew the certificate, or correct the clock of one side"
	case errors.As(err, &broken):
		e.Kind = FailedCertificate
	case strings.Contains(err.Error(), "remote error: tls:"): // its type is not exported
		e.Kind, e.Advice = FailedRefused, "the other side refused: its log says why; often it does not trust our certificate, or finds no host name of ours in it"
	case errors.Is(err, os.ErrDeadlineExceeded):
		e.Kind, e.Advice = FailedTime, "nothing came in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Kind, e.Advice = FailedGone, "the other side went; its log may say why"
	}
	if e.Kind != FailedOther && e.Kind != FailedRefused {
		return e
	}
	for _, symptom := range handshakeSymptoms {
		if strings.Contains(err.Error(), symptom.part) {
			e.Kind, e.Advice = symptom.kind, symptom.advice
		}
	}
	return e
}
