package rawclient_test

import (
	"encoding/hex"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/wire"
)

// pair returns a client and the server's end of its connection.
func pair(t *testing.T) (*rawclient.Conn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	client, err := rawclient.Dial(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = client.Close(), server.Close() })
	return client, server
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readHex(t *testing.T, r io.Reader, n int) string {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b)
}

func TestConnectGoldenBytes(t *testing.T) {
	client, server := pair(t)
	response := "00000000" + "00002710" + "010000122ccd0000" + "00000010" + "29209bb902b95266af5d49d51b665e6f" + "00"
	if _, err := server.Write(unhex(t, "00000025"+response)); err != nil {
		t.Fatal(err)
	}
	answer, err := client.Connect(wire.ConnectRequest{Timeout: 10000, Password: make([]byte, 16), HasReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	want := "0000002d" + "00000000" + "0000000000000000" + "00002710" + "0000000000000000" + "00000010" +
		"00000000000000000000000000000000" + "00"
	if got := readHex(t, server, 49); got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	if hex.EncodeToString(answer.Raw) != response || answer.SessionID != 0x010000122ccd0000 ||
		answer.Timeout != 10000 || !answer.HasReadOnly || answer.Refused() {
		t.Errorf("answer %+v", answer)
	}
}

func TestDoCollectsEventsBeforeTheReply(t *testing.T) {
	client, server := pair(t)
	frames := wire.AppendWatcherEvent(nil, 7, wire.WatcherEvent{Type: wire.EventNodeDataChanged, State: 3, Path: "/w"})
	frames, mark := wire.BeginFrame(frames)
	frames = wire.AppendReplyHeader(frames, wire.ReplyHeader{Xid: 5, Zxid: 7, Err: wire.NoNode})
	frames = wire.EndFrame(append(frames, 0xaa), mark)
	if _, err := server.Write(frames); err != nil {
		t.Fatal(err)
	}
	reply, events, err := client.Do(5, 77, []byte{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	if got := readHex(t, server, 14); got != "0000000a"+"00000005"+"0000004d"+"0102" {
		t.Errorf("sent %s", got)
	}
	if reply.Header != (wire.ReplyHeader{Xid: 5, Zxid: 7, Err: wire.NoNode}) || hex.EncodeToString(reply.Body) != "aa" {
		t.Errorf("reply %+v", reply)
	}
	if len(events) != 1 || events[0].Header.Zxid != 7 {
		t.Fatalf("events %+v", events)
	}
	event, err := events[0].Event()
	if err != nil || event != (wire.WatcherEvent{Type: wire.EventNodeDataChanged, State: 3, Path: "/w"}) {
		t.Errorf("event %+v, %v", event, err)
	}
}

func TestErrors(t *testing.T) {
	cases := []struct {
		name   string
		server func(net.Conn) error
		want   error
	}{
		{"closed", func(c net.Conn) error { return c.Close() }, rawclient.ErrClosed},
		{"cut", func(c net.Conn) error {
			_, err := c.Write([]byte{0, 0, 0, 16, 1})
			return errors.Join(err, c.Close())
		}, rawclient.ErrClosed},
		{"reset", func(c net.Conn) error {
			return errors.Join(c.(*net.TCPConn).SetLinger(0), c.Close())
		}, rawclient.ErrClosed},
		{"silent", func(net.Conn) error { return nil }, rawclient.ErrTimeout},
		{"length", func(c net.Conn) error { _, err := c.Write([]byte{255, 255, 255, 255}); return err }, rawclient.ErrFrameLength},
		{"short", func(c net.Conn) error { _, err := c.Write([]byte{0, 0, 0, 1, 9}); return err }, wire.ErrMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			client, server := pair(t)
			client.Timeout = 50 * time.Millisecond
			if c.want != rawclient.ErrTimeout {
				client.Timeout = rawclient.DefaultTimeout
			}
			if err := c.server(server); err != nil {
				t.Fatal(err)
			}
			if _, err := client.Recv(); !errors.Is(err, c.want) {
				t.Errorf("err = %v, want %v", err, c.want)
			}
		})
	}
}

func TestReadAll(t *testing.T) {
	client, server := pair(t)
	if _, err := server.Write([]byte("imok")); err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := client.ReadAll(); string(got) != "imok" || err != nil {
		t.Errorf("ReadAll = %q, %v", got, err)
	}
}
