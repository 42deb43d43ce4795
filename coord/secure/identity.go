package secure

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"

	"kafkacoord/coord/config"
	"kafkacoord/coord/wire"
)

// schemeX509, schemeSASL and schemeSuper are the schemes of identities that this
// package gives.
const (
	schemeX509  = "x509"
	schemeSASL  = "sasl"
	schemeSuper = "super"
)

// Certificates turns client certificates into identities (ZooKeeper:
// X509AuthenticationProvider.java; the choice of a subject alternative name:
// X509AuthenticationUtil of ZooKeeper's master).
type Certificates struct {
	super   string
	san     *sanRule // nil: the subject names the client
	warning func(subject string, err error)
}

// sanRule picks a client's name out of the subject alternative names.
type sanRule struct {
	kind           int // tag of GeneralName (RFC 5280, 4.2.1.6)
	match, extract *regexp.Regexp
	group          int
}

// The kinds of subject alternative names that can be picked.
const (
	sanEmail = 1
	sanDNS   = 2
	sanURI   = 6
	sanIP    = 7
)

// ReadCertificates takes X509AuthenticationProvider.superUser and the keys
// ssl.x509.clientCertId… out of a configuration. A certificate in which no
// alternative name can be picked is named by its subject, and log gets a warning;
// nil drops it.
func ReadCertificates(c *config.Config, log *slog.Logger) (*Certificates, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	super, _ := c.Property("X509AuthenticationProvider.superUser")
	ids := &Certificates{super: strings.TrimSpace(super), warning: func(subject string, err error) {
		log.Warn("no identity can be picked from the subject alternative names of a client's certificate; its subject is used", "subject", subject, "error", err)
	}}
	text := func(name, fallback string) string {
		if value, _ := c.Property("ssl.x509.clientCertId" + name); strings.TrimSpace(value) != "" {
			return strings.TrimSpace(value)
		}
		return fallback
	}
	if !strings.EqualFold(text("Type", ""), "SAN") {
		return ids, nil
	}
	fault := func(name string, err error) (*Certificates, error) {
		return nil, fmt.Errorf("secure: ssl.x509.clientCertId%s: %w", name, err)
	}
	rule := &sanRule{}
	var err error
	if rule.kind, err = strconv.Atoi(text("SanMatchType", "-1")); err != nil {
		return fault("SanMatchType", err)
	}
	switch rule.kind {
	case sanEmail, sanDNS, sanURI, sanIP:
	default:
		return fault("SanMatchType", fmt.Errorf("%d cannot be picked; use 1 (e-mail), 2 (DNS), 6 (URI) or 7 (IP)", rule.kind))
	}
	if rule.match, err = regexp.Compile(text("SanMatchRegex", ".*")); err != nil {
		return fault("SanMatchRegex", err)
	}
	if rule.extract, err = regexp.Compile(text("SanExtractRegex", ".*")); err != nil {
		return fault("SanExtractRegex", err)
	}
	if rule.group, err = strconv.Atoi(text("SanExtractMatcherGroupIndex", "0")); err != nil {
		return fault("SanExtractMatcherGroupIndex", err)
	}
	if rule.group < 0 || rule.group > rule.extract.NumSubexp() {
		return fault("SanExtractMatcherGroupIndex", fmt.Errorf("the pattern has no group %d", rule.group))
	}
	ids.san = rule
	return ids, nil
}

// Identities are those of a verified certificate: x509 with the client's name,
// and super besides it for the configured super user. A certificate without any
// name gives none.
func (c *Certificates) Identities(leaf *x509.Certificate) []wire.ID {
	name, err := DistinguishedName(leaf.RawSubject)
	if err != nil {
		c.warning(leaf.Subject.String(), err)
		return nil
	}
	if c.san != nil {
		if picked, err := c.san.pick(leaf); err != nil {
			c.warning(name, err)
		} else {
			name = picked
		}
	}
	if name == "" {
		return nil
	}
	ids := []wire.ID{{Scheme: schemeX509, ID: name}}
	if name == c.super {
		ids = append(ids, wire.ID{Scheme: schemeSuper, ID: name})
	}
	return ids
}

var errNotOneSAN = errors.New("not exactly one of them matches")

func (r *sanRule) pick(leaf *x509.Certificate) (string, error) {
	var names []string
	switch r.kind {
	case sanEmail:
		names = leaf.EmailAddresses
	case sanDNS:
		names = leaf.DNSNames
	case sanURI:
		for _, uri := range leaf.URIs {
			names = append(names, uri.String())
		}
	case sanIP:
		for _, ip := range leaf.IPAddresses {
			names = append(names, ip.String())
		}
	}
	var matched []string
	for _, name := range names {
		if r.match.MatchString(name) {
			matched = append(matched, name)
		}
	}
	if len(matched) != 1 {
		return "", fmt.Errorf("%w: %d of %d", errNotOneSAN, len(matched), len(names))
	}
	groups := r.extract.FindStringSubmatch(matched[0])
	if groups == nil || groups[r.group] == "" {
		return "", fmt.Errorf("nothing can be extracted from %q", matched[0])
	}
	return groups[r.group], nil
}

// nameAttribute is one attribute of a distinguished name in DER.
type nameAttribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// nameKeywords are the attributes that RFC 2253 has names for.
var nameKeywords = map[string]string{
	"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET",
	"2.5.4.10": "O", "2.5.4.11": "OU", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}

// derStrings are the tags of values that are shown as text.
var derStrings = map[int]bool{
	asn1.TagUTF8String: true, asn1.TagPrintableString: true, asn1.TagT61String: true,
	asn1.TagIA5String: true, asn1.TagGeneralString: true, asn1.TagBMPString: true,
}

// DistinguishedName prints a DER encoded name as RFC 2253 has it, exactly as
// Java's X500Principal.getName does: the last relative name first, joined by
// commas without blanks; attributes without keyword, such as the e-mail address,
// as object identifier and # with the value in hex.
func DistinguishedName(der []byte) (string, error) {
	var relative []asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &relative); err != nil || len(rest) > 0 {
		return "", errors.New("secure: broken distinguished name")
	}
	var b strings.Builder
	for i := len(relative) - 1; i >= 0; i-- {
		if i < len(relative)-1 {
			b.WriteByte(',')
		}
		var attributes []nameAttribute
		if _, err := asn1.UnmarshalWithParams(relative[i].FullBytes, &attributes, "set"); err != nil {
			return "", errors.New("secure: broken distinguished name")
		}
		for j, attribute := range attributes {
			if j > 0 {
				b.WriteByte('+')
			}
			writeAttribute(&b, attribute)
		}
	}
	return b.String(), nil
}

func writeAttribute(b *strings.Builder, a nameAttribute) {
	keyword, known := nameKeywords[a.Type.String()]
	if !known || a.Value.Class != asn1.ClassUniversal || !derStrings[a.Value.Tag] {
		if !known {
			keyword = a.Type.String()
		}
		fmt.Fprintf(b, "%s=#%x", keyword, a.Value.FullBytes)
		return
	}
	b.WriteString(keyword + "=")
	text := string([]rune(string(a.Value.Bytes))) // every stray byte is one U+FFFD
	inner := strings.Trim(text, " \r")
	lead := len(text) - len(strings.TrimLeft(text, " \r"))
	for i, r := range text {
		switch {
		case i < lead || i >= lead+len(inner) || strings.ContainsRune(`,=+<>#;"\`, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == 0:
			b.WriteString(`\00`)
		default:
			b.WriteRune(r)
		}
	}
}
