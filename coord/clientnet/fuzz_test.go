package clientnet

import (
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"testing"
)

// FuzzConnection sends any bytes, cut in two anywhere, to a connection: the host
// must get whole frames within the limit only, and the connection must end when
// its client is gone.
func FuzzConnection(f *testing.F) {
	whole := append(binary.BigEndian.AppendUint32(nil, 5), "hello"...)
	for _, seed := range [][]byte{
		nil, whole, append(whole, whole...), whole[:6], []byte("GET / HTTP/1.1\r\n\r\n"), []byte("ruok"),
		{0x16, 3, 1, 0},
		{0xff, 0xff, 0xff, 0xff},
		{0, 0, 0, 0},
		binary.BigEndian.AppendUint32(nil, 70_000),
	} {
		f.Add(seed, uint16(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, at uint16) {
		h := &echo{word: func(string) []byte { return []byte("imok") }}
		s := NewServer(h, Options{
			Limits: Limits{Frame: 100_000}, Log: slog.New(slog.DiscardHandler),
			IsWord: func(w [4]byte) bool { return string(w[:]) == "ruok" }, WordArgument: func(string) int { return 0 },
		})
		client, server := net.Pipe()
		s.accept(server)
		go func() { _, _ = io.Copy(io.Discard, client) }() // replies; ends with the connection
		cut := min(int(at), len(data))
		for _, part := range [][]byte{data[:cut], data[cut:]} {
			if _, err := client.Write(part); err != nil {
				break // refused
			}
		}
		_ = client.Close()
		s.tasks.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.closed != 1 {
			t.Fatalf("the host heard of %d ends", h.closed)
		}
		sent := 0
		for _, frame := range h.frames {
			if len(frame) > 100_000 {
				t.Fatalf("a frame of %d bytes got through", len(frame))
			}
			sent += 4 + len(frame)
		}
		if sent > len(data) {
			t.Fatalf("%d bytes of frames out of %d", sent, len(data))
		}
	})
}
