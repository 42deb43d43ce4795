package secure

import (
	"errors"
	"fmt"
)

// Mechanism is a SASL mechanism by its registered name.
type Mechanism string

// The mechanisms of ZooKeeper.
const (
	DigestMD5 Mechanism = "DIGEST-MD5"
	GSSAPI    Mechanism = "GSSAPI"
)

// tokenBytesMax bounds a SASL token. A Kerberos ticket with the group memberships
// of a large directory can take 64 KiB.
const tokenBytesMax = 128 << 10

// ErrAuthentication is in every error of a conversation that failed: the other
// side is not who it says, or speaks against the rules. The rest of the text is
// for the log of this side only.
var ErrAuthentication = errors.New("secure: SASL authentication failed")

func denied(format string, arguments ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrAuthentication}, arguments...)...)
}

// Answer is what a server says to one token of a client.
type Answer struct {
	// Token is for the client; nil is the null token, which differs on the wire
	// from an empty one.
	Token []byte
	// Done means that the client has proved who it is.
	Done bool
}

// acceptor is the server's side of one conversation. After an error it is used
// no more.
type acceptor interface {
	// next takes a token of the client.
	next(token []byte) (Answer, error)
	// proved is, once next was done, whom the client has proved to be, and whom
	// it asks to act as: the same unless it says otherwise.
	proved() (authentication, authorization string)
}

// initiator is the client's side of one conversation.
type initiator interface {
	// first is the token to begin with; empty where the server speaks first.
	first() ([]byte, error)
	// next answers a token of the server. done means that the server has
	// nothing more to prove: only its word that it is content may follow.
	next(token []byte) (reply []byte, done bool, err error)
}
