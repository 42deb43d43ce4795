// Package auth knows who a client is and what an access control list allows:
// identities, the schemes world, auth, digest, ip and super, evaluation and
// normalisation of lists.
//
// A Registry is a value that never changes after New and may be used by any
// number of goroutines. Further schemes (sasl, x509) are Providers handed to
// New; the conversation or certificate behind them is not this package's job.
//
// The package does not keep a connection's identities, read a znode's list or
// answer a request: callers pass lists and identities in and get a decision, a
// new list or a reply code back.
//
// It answers to ZooKeeper's ProviderRegistry, DigestAuthenticationProvider,
// IPAuthenticationProvider, AuthenticationHelper, and the ACL parts of
// ZooKeeperServer (checkACL), PrepRequestProcessor (fixupACL) and
// FinalRequestProcessor (getACL).
package auth
