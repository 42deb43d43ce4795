package secure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// recordHeaderBytes is the length of the header of a TLS record: content type,
// version, length. No more is read to tell TLS from a plain connection.
const recordHeaderBytes = 5

// replayed is a connection whose first bytes were read already.
type replayed struct {
	net.Conn
	first []byte // not yet read again; the reader's own
}

func (r *replayed) Read(p []byte) (int, error) {
	if len(r.first) > 0 {
		n := copy(p, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	return r.Conn.Read(p)
}

// isTLS tells whether a connection begins with the header of a TLS record: content
// type 20 to 24, major version 3 (ZooKeeper: UnifiedServerSocket.java). It is
// false for the plain beginnings of every port: client frames and packets between
// servers start with 0x00, election handshakes with 0xff, words with a letter.
// decided is false while more bytes are needed.
func isTLS(first []byte) (yes, decided bool) {
	switch {
	case len(first) == 0:
		return false, false
	case first[0] < 20 || first[0] > 24:
		return false, true
	case len(first) == 1:
		return false, false
	case first[1] != 3:
		return false, true
	}
	return true, len(first) >= recordHeaderBytes
}

// sniff reads the first bytes of a connection until they show whether it is TLS,
// within the deadlines that nc has. The connection in the result reads them
// again; it stands also with an error.
func sniff(nc net.Conn) (yes bool, whole *replayed, err error) {
	first := make([]byte, 0, recordHeaderBytes)
	for {
		n, err := nc.Read(first[len(first):recordHeaderBytes])
		first = first[:len(first)+n]
		yes, decided := isTLS(first)
		if decided || err != nil {
			return yes && decided, &replayed{Conn: nc, first: first}, err
		}
	}
}

// sniffWithin is sniff with a time limit. A connection that sends nothing
// decisive in time counts as plain, as in ZooKeeper.
func sniffWithin(ctx context.Context, nc net.Conn, limit time.Duration) (yes bool, whole *replayed, err error) {
	deadline, end := time.Now().Add(limit), error(nil)
	if ends, ok := ctx.Deadline(); ok && ends.Before(deadline) {
		deadline, end = ends, context.DeadlineExceeded
	}
	_ = nc.SetReadDeadline(deadline)
	yes, whole, err = sniff(nc)
	switch silent := errors.Is(err, os.ErrDeadlineExceeded); {
	case ctx.Err() != nil:
		return false, whole, ctx.Err()
	case silent && end != nil:
		return false, whole, end
	case err != nil && !silent && len(whole.first) == 0:
		return false, whole, fmt.Errorf("secure: read the first bytes: %w", err)
	}
	_ = nc.SetReadDeadline(time.Time{})
	return yes, whole, nil
}
