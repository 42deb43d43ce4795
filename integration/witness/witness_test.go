package witness_test

import (
	"errors"
	"testing"
	"time"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/coordproc"
	"kafkacoord/integration/treedump"
	"kafkacoord/integration/witness"
)

// What is acknowledged is found, over a kill of the server too, and what is taken
// away, changed or added behind the load's back is noticed.
func TestWitness(t *testing.T) {
	s := coordproc.StartTest(t, coordproc.Options{})
	w, err := witness.Start(t.Context(), witness.Options{Servers: []string{s.Connect()}, Sessions: 2, Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	await(t, w, 50)
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, w, w.Report().Acknowledged+50)
	report := w.Stop()
	if len(report.Faults) > 0 || report.Expired > 0 || report.Disconnections == 0 {
		t.Errorf("%s: %v", report, report.Faults)
	}
	c, err := client.Dial(t.Context(), client.Config{Servers: []string{s.Connect()}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	before := dump(t, c)
	expectLost(t, w, c, 0)
	_, err1 := c.Create(t.Context(), "/witness/0/9999999", nil, wire.FlagPersistent, nil)
	_, err2 := c.Set(t.Context(), "/witness/0/counter", nil, client.AnyVersion)
	_, err3 := c.Set(t.Context(), "/witness/1/3", nil, client.AnyVersion)
	err4 := c.Delete(t.Context(), "/witness/1/7", client.AnyVersion)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	expectLost(t, w, c, 4)
	// The two parents have changed too.
	if found := before.Differences(dump(t, c)); len(found) != 8 {
		t.Errorf("%d differences between the trees: %q", len(found), found)
	}
}

func await(t *testing.T, w *witness.Witness, acknowledged int) {
	t.Helper()
	for w.Report().Acknowledged < acknowledged {
		if r := w.Report(); len(r.Faults) > 0 {
			t.Fatalf("%s: %v", r, r.Faults)
		}
		time.Sleep(time.Millisecond)
	}
}

func expectLost(t *testing.T, w *witness.Witness, c *client.Client, want int) {
	t.Helper()
	lost, err := w.Lost(t.Context(), c)
	if err != nil || len(lost) != want {
		t.Errorf("lost %q, %v; want %d", lost, err, want)
	}
}

func dump(t *testing.T, c *client.Client) treedump.Dump {
	t.Helper()
	whole, err := treedump.Read(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return whole
}
