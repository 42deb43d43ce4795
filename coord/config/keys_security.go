package config

import (
	"fmt"
	"slices"
	"strings"
)

// securityKeys are the keys of authentication, TLS and audit, and those that
// only clients or the JVM read.
func securityKeys() []key {
	const noTLS = "TLS is not served by this version"
	list := []key{
		property("skipACL", "no", func(c *Config, _ *key, text string) error {
			c.SkipACL = text == "yes"
			return nil
		}),
		property("DigestAuthenticationProvider.enabled", "true", lenientBool(func(c *Config) *bool { return &c.Digest.Enabled })),
		property("DigestAuthenticationProvider.superDigest", "", plain(func(c *Config) *string { return &c.Digest.Super })).hidden(),
		property("DigestAuthenticationProvider.digestAlg", "SHA1", digestAlgorithm),
		property("IPAuthenticationProvider.usexforwardedfor", "false", nil),
		property("enforce.auth.enabled", "false", lenientBool(func(c *Config) *bool { return &c.EnforceAuth.Enabled })),
		property("enforce.auth.schemes", "", commaList(func(c *Config) *[]string { return &c.EnforceAuth.Schemes })),
		property("sessionRequireClientSASLAuth", "false", notTrue("SASL is not served by this version, so no client could be admitted; use enforce.auth.enabled with another scheme, or remove the line")),
		property("X509AuthenticationProvider.superUser", "", nil).as(later, noTLS),
		property("superUser", "", nil).as(later, "there is no SASL in this version"),
		property("superUser.*", "", nil).as(later, "there is no SASL in this version"),
		property("SASLAuthenticationProvider.superPassword", "", nil).as(later, "there is no SASL in this version").hidden(),
		property("letAnySaslUserDoX", "", nil).as(later, ""),
		property("allowSaslFailedClients", "false", nil).as(later, ""),
		property("ensembleAuthName", "", nil).as(later, ""),
		property("authProvider.*", "", authProvider),
		property("ssl.authProvider", "x509", nil).as(later, noTLS),
		property("client.portUnification", "false", nil).as(later, noTLS),
		property("client.certReload", "false", nil).as(later, noTLS),
		property("ssl.context.supplier.class", "", oneOf("org.apache.zookeeper.common.SSLContextSupplier")),
		property("ssl.*", "", nil).as(later, noTLS),
		property("fips-mode", "true", nil),
		property("audit.enable", "false", lenientBool(func(c *Config) *bool { return &c.AuditEnabled })),
		property("audit.impl.class", "", oneOf("org.apache.zookeeper.audit.Slf4jAuditLogger")),
		flag("java.security.auth.login.config", "", nil).as(later, "there is no SASL in this version"),
		flag("sun.security.jgss.native", "", nil).as(silent, ""),
		property("jmx.*", "", nil).as(silent, ""),
		flag("com.sun.management.*", "", nil).as(ignored, "there is no JMX in this server; use /metrics and the four-letter word mntr"),
	}
	for _, name := range []string{
		"sasl.serverconfig", "security.auth_to_local", "requireKerberosConfig", "kerberos.removeHostFromPrincipal",
		"kerberos.removeRealmFromPrincipal", "kerberos.canonicalizeHostNames", "kerberos.minReLoginTimeMs", "kinit", "server.realm",
	} {
		list = append(list, property(name, "", nil).as(later, "there is no SASL in this version"))
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

// authProviders are ZooKeeper's own authentication classes.
var authProviders = []string{
	"org.apache.zookeeper.server.auth.DigestAuthenticationProvider",
	"org.apache.zookeeper.server.auth.IPAuthenticationProvider",
	"org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
	"org.apache.zookeeper.server.auth.X509AuthenticationProvider",
}

const saslProvider = "org.apache.zookeeper.server.auth.SASLAuthenticationProvider"

// authProvider accepts ZooKeeper's own classes. A foreign class may be the only
// thing that guards the data, so it stops the start.
func authProvider(_ *Config, _ *key, text string) error {
	switch {
	case text == saslProvider:
		return adjustedError{"there is no SASL in this version; clients that offer it are served without it"}
	case slices.Contains(authProviders, text):
		return nil
	default:
		return fmt.Errorf("%s is a Java class that this server cannot load; built in are %s. Without it the data might be unguarded, so the server does not start: remove the line to go on",
			text, strings.Join(authProviders, ", "))
	}
}
