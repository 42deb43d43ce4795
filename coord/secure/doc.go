// Package secure holds what connections are secured with: TLS keys and
// certificates, the conversations of SASL, and the identities that both prove.
//
// TLS. [ReadTLSOptions] takes the keys ssl.* or ssl.quorum.* out of a
// configuration, [OpenKeys] reads the stores that they name (JKS, PKCS12, PEM),
// and [Keys] makes configurations of crypto/tls with them. Changed files are
// taken over for new connections; those that stand are not touched. Revocation
// (crl, ocsp) is not checked, and a configuration that asks for it is refused.
// Names are looked for in certificates only: nothing is asked of a name server on
// the word of an address. fips-mode has no meaning here.
//
//   - A client port wraps its listener with [Listen]. The connections that it
//     accepts secure themselves at their first Read, in the goroutine of their
//     reader; then [ClientConn.Identities] has what the certificate proves, by
//     [Certificates].
//   - The ports between servers take [Peers.Secure] as their hook on both sides.
//
// SASL. [ReadClientSASL] reads the JAAS file and keytab for clients;
// [ClientSASL.Begin] starts one conversation, which takes the tokens of requests
// and gives those of replies until it yields identities. A client's own side is
// [Login.Authenticate]. [ReadQuorumSASL] does the same for servers, which speak
// packets of their own over a connection: [QuorumSASL.Initiate] on the side that
// dialled, [QuorumSASL.Accept] on the other. DIGEST-MD5 is RFC 2831 as the Java
// platform speaks it; GSSAPI is Kerberos with AES keys from a keytab (RFC 4752,
// RFC 4121), without a ticket cache. No security layer is negotiated: that is
// what TLS is for.
//
// The package keeps no connection and leaves no goroutine behind. What goes wrong
// comes back as an error for the log of this side, which names the file and what
// to do, and never holds a password; the other side is told nothing but that it
// failed.
//
// It answers to ZooKeeper's X509Util with its two families, FileKeyStoreLoader
// and PemReader, UnifiedServerSocket, X509AuthenticationProvider, SaslServer with
// its callback handlers, KerberosName, and SaslQuorumAuthLearner and
// SaslQuorumAuthServer.
package secure
