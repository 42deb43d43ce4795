package secure

import "fmt"

// Initiation is the client's side of one authentication to a server: its first
// token, then a reply to each token of the server until it is done (ZooKeeper:
// ZooKeeperSaslClient.java).
type Initiation struct{ initiator initiator }

// Authenticate begins an authentication as this login, which a section Client has,
// to the server on a host. The host matters to Kerberos only, whose ticket is for
// zookeeper/host; getting it asks the key distribution centre.
func (l *Login) Authenticate(host string) (*Initiation, error) {
	if l.Mechanism == GSSAPI {
		tickets, err := openTickets(l)
		if err != nil {
			return nil, err
		}
		client, err := tickets.get(clientService.protocol + "/" + host)
		if err != nil {
			return nil, err
		}
		return &Initiation{client}, nil
	}
	if l.Username == "" {
		return nil, fmt.Errorf("secure: JAAS file %s: section %s has no username", l.Where, l.Section)
	}
	return &Initiation{newDigestClient(clientService, l.Username, l.Password)}, nil
}

// First is the token to begin with; empty, not null, for DIGEST-MD5.
func (i *Initiation) First() ([]byte, error) { return i.initiator.first() }

// Next takes a token of the server, a null token as nil. Once it is done there is
// nothing to send, and the server has proved that it knows the user.
func (i *Initiation) Next(token []byte) (reply []byte, done bool, err error) {
	return i.initiator.next(token)
}
