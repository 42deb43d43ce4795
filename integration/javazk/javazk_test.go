package javazk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"kafkacoord/integration/javazk"
)

// Every version starts, keeps a znode over a stop and over a kill, and stays
// on its port.
func TestEveryVersionServesAndComesBack(t *testing.T) {
	for _, version := range javazk.Versions() {
		t.Run(version, func(t *testing.T) {
			s := javazk.StartTest(t, javazk.Options{
				Version: version,
				Flags:   []string{"-Xmx256m", "-XX:TieredStopAtLevel=1"},
			})
			answer, err := s.FourLetterWord("srvr")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(answer, "Zookeeper version: "+version+"-") {
				t.Fatalf("srvr = %q", answer)
			}
			client, _, err := zk.Connect([]string{s.Connect()}, 10*time.Second, zk.WithLogInfo(false))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if _, err := client.Create("/kept", []byte("value"), 0, zk.WorldACL(zk.PermAll)); err != nil {
				t.Fatal(err)
			}
			pid := s.Pid()
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s.Pid() == pid {
				t.Fatal("the same process after Restart")
			}
			expectKept(t, client)
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			expectKept(t, client)
		})
	}
}

// expectKept reads the znode, again while the client is still finding out that
// its server came back.
func expectKept(t *testing.T, client *zk.Conn) {
	t.Helper()
	for {
		data, _, err := client.Get("/kept")
		if err == nil && string(data) == "value" {
			return
		}
		if !errors.Is(err, zk.ErrConnectionClosed) && !errors.Is(err, zk.ErrNoServer) {
			t.Fatalf("get /kept = %q, %v", data, err)
		}
		if t.Context().Err() != nil {
			t.Fatal("the client did not reconnect")
		}
	}
}

func TestUnknownVersionNamesTheKnownOnes(t *testing.T) {
	_, err := javazk.Jars("1.0")
	if err == nil || !strings.Contains(err.Error(), "3.9.4") {
		t.Fatalf("err = %v", err)
	}
}
