package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What the notes of several keys say.
const (
	noTLS   = "TLS is not served by this version; clients connect in the clear"
	noSASL  = "SASL is not served by this version; clients connect without it, in the clear"
	noAudit = "no audit log is written"
)

// securityKeys are the keys of authentication, TLS and audit, and those that
// only clients or the JVM read.
func securityKeys() []key {
	list := []key{
		property("skipACL", "no", func(c *Config, _ *key, text string) error {
			c.SkipACL = text == "yes"
			return nil
		}),
		property("DigestAuthenticationProvider.enabled", "true", lenientBool(func(c *Config) *bool { return &c.Digest.Enabled })),
		property("DigestAuthenticationProvider.superDigest", "", plain(func(c *Config) *string { return &c.Digest.Super })),
		property("DigestAuthenticationProvider.digestAlg", "SHA1", digestAlgorithm),
		property("IPAuthenticationProvider.usexforwardedfor", "false", nil).as(later, noAdminServer),
		property("enforce.auth.enabled", "false", lenientBool(func(c *Config) *bool { return &c.EnforceAuth.Enabled })),
		property("enforce.auth.schemes", "", commaList(func(c *Config) *[]string { return &c.EnforceAuth.Schemes })),
		property("sessionRequireClientSASLAuth", "false", notTrue("SASL is not served by this version, so no client could be admitted; use enforce.auth.enabled with another scheme, or remove the line")),
		property("X509AuthenticationProvider.superUser", "", nil).as(later, noTLS),
		property("superUser", "", nil).as(later, noSASL),
		property("superUser.*", "", nil).as(later, noSASL),
		property("SASLAuthenticationProvider.superPassword", "", nil).as(later, noSASL),
		property("letAnySaslUserDoX", "", nil).as(later, noSASL),
		property("allowSaslFailedClients", "false", nil).as(later, noSASL),
		property("ensembleAuthName", "", nil).as(later, ""),
		property("authProvider.*", "", authProvider),
		property("ssl.authProvider", "x509", nil).as(later, noTLS),
		property("client.portUnification", "false", nil).as(later, noTLS),
		property("client.certReload", "false", nil).as(later, noTLS),
		property("ssl.context.supplier.class", "", oneOf("org.apache.zookeeper.common.SSLContextSupplier")).as(later, noTLS),
		property("ssl.*", "", nil).as(later, noTLS),
		property("fips-mode", "true", nil).as(later, noTLS),
		property("audit.enable", "false", lenientBool(func(c *Config) *bool { return &c.AuditEnabled })).as(later, noAudit),
		property("audit.impl.class", "", oneOf("org.apache.zookeeper.audit.Slf4jAuditLogger")).as(later, noAudit),
		flag("java.security.auth.login.config", "", nil).as(later, noSASL),
		flag("sun.security.jgss.native", "", nil).as(silent, ""),
		property("jmx.*", "", nil).as(silent, ""),
		flag("com.sun.management.*", "", nil).as(ignored, "there is no JMX in this server; use /metrics and the four-letter word mntr"),
	}
	for _, name := range []string{
		"sasl.serverconfig", "security.auth_to_local", "requireKerberosConfig", "kerberos.removeHostFromPrincipal",
		"kerberos.removeRealmFromPrincipal", "kerberos.canonicalizeHostNames", "kerberos.minReLoginTimeMs", "kinit", "server.realm",
	} {
		list = append(list, property(name, "", nil).as(later, noSASL))
	}
	for _, name := range []string{
		// In countless tutorials, in no released source.
		"requireClientAuthScheme", "jaasLoginRenew", "traceFile", "clientCnxnSocket", "serverCnxnSocket",
		// Read by clients only.
		"client.secure", "sasl.client", "sasl.clientconfig", "sasl.client.username", "sasl.client.canonicalize.hostname",
		"sasl.client.allowReverseDnsLookup", "server.principal", "request.timeout", "disableAutoWatchReset", "shuffleDnsResponse",
		"hostProvider.dnsSrvRefreshIntervalSeconds", "ssl.sslProvider",
		// Read by the scripts and the logging set-up around the server.
		"log.dir", "log.file", "log.threshold", "root.logger", "console.threshold", "tracelog.dir", "tracelog.file",
	} {
		list = append(list, property(name, "", nil).as(silent, ""))
	}
	return list
}

// digestAlgorithms are the message digests of the Java platform that ACL ids
// may be made with.
var digestAlgorithms = []string{"MD5", "SHA1", "SHA-1", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512"}

func digestAlgorithm(c *Config, _ *key, text string) error {
	for _, name := range digestAlgorithms {
		if strings.EqualFold(text, name) {
			c.Digest.Algorithm = text
			return nil
		}
	}
	return fmt.Errorf("don't support this ACL digest algorithm: %s; use one of %s", text, strings.Join(digestAlgorithms, ", "))
}

// authProviders are the authentication classes of ZooKeeper that are built in.
var authProviders = []string{
	"org.apache.zookeeper.server.auth.DigestAuthenticationProvider",
	"org.apache.zookeeper.server.auth.IPAuthenticationProvider",
}

// The authentication classes of ZooKeeper that this server has no counterpart of.
const (
	saslProvider = "org.apache.zookeeper.server.auth.SASLAuthenticationProvider"
	x509Provider = "org.apache.zookeeper.server.auth.X509AuthenticationProvider"
)

// authProvider accepts the classes that are built in. Any other may be the only
// thing that guards the data, so it stops the start.
func authProvider(_ *Config, _ *key, text string) error {
	const unguarded = "Clients would be served without it, so the server does not start: remove the line to go on"
	switch {
	case text == saslProvider:
		return errors.New("SASL is not served by this version. " + unguarded)
	case text == x509Provider:
		return errors.New("TLS, and with it authentication by certificate (x509), is not served by this version. " + unguarded)
	case slices.Contains(authProviders, text):
		return nil
	default:
		return fmt.Errorf("%s is a Java class that this server cannot load; built in are %s. Without it the data might be unguarded, so the server does not start: remove the line to go on",
			text, strings.Join(authProviders, ", "))
	}
}
