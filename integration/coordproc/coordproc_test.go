package coordproc_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"kafkacoord/integration/coordproc"
)

// The binary starts from a zoo.cfg, answers, keeps a znode over a stop and over
// a kill, and stays on its port.
func TestServesAndComesBack(t *testing.T) {
	s := coordproc.StartTest(t, coordproc.Options{})
	client, _, err := zk.Connect([]string{s.Connect()}, 20*time.Second, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	value := []byte("value")
	if _, err := client.Create("/kept", value, 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	for _, end := range []func() error{s.Stop, s.Kill} {
		pid := s.Pid()
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.Pid() == pid {
			t.Fatal("the same process after Restart")
		}
		var data []byte
		err := zk.ErrConnectionClosed
		for errors.Is(err, zk.ErrConnectionClosed) || errors.Is(err, zk.ErrNoServer) {
			data, _, err = client.Get("/kept")
		}
		if err != nil || !bytes.Equal(data, value) {
			t.Fatalf("get /kept = %x, %v", data, err)
		}
	}
}
