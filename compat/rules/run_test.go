package rules

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/view"
)

// looks gives one layout after the other to a run, and counts the time it waits.
type looks struct {
	layouts []*layout
	taken   int
	waited  []time.Duration
}

func (s *looks) run(t *testing.T, once bool) *Report {
	t.Helper()
	report, err := Run(t.Context(), func(context.Context) (*view.View, error) {
		l := s.layouts[min(s.taken, len(s.layouts)-1)]
		s.taken++
		return l.view(t), nil
	}, Options{Once: once, Wait: func(_ context.Context, d time.Duration) error {
		s.waited = append(s.waited, d)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func changed(change func(l *layout)) *layout {
	l := healthy()
	change(l)
	return l
}

func TestTransientStates(t *testing.T) {
	well := healthy()
	noController := changed(func(l *layout) { l.remove("/controller") })
	marker := changed(func(l *layout) { l.null("/admin/delete_topics/gone") })
	both := changed(func(l *layout) {
		l.remove("/controller")
		l.null("/admin/delete_topics/gone")
	})
	twice := changed(func(l *layout) { l.put("/config/brokers/8", `{"version":1,"config":{"ssl.key.password":"clear"}}`) })
	offline := changed(func(l *layout) { l.put(orders0State, stateData(-1, "1,2,3")) })
	seconds := func(n ...int) (d []time.Duration) {
		for _, s := range n {
			d = append(d, time.Duration(s)*time.Second)
		}
		return d
	}
	for _, c := range []struct {
		name   string
		looks  []*layout
		once   bool
		waited []time.Duration
		want   []string
	}{
		{name: "healthy", looks: []*layout{well}},
		{name: "gone at the second look", looks: []*layout{marker, well}, waited: seconds(2)},
		{name: "still there", looks: []*layout{marker, marker}, waited: seconds(2), want: []string{"KM-58"}},
		{name: "new at the second look only", looks: []*layout{marker, noController}, waited: seconds(2)},
		{name: "each rule has its time", looks: []*layout{both, both, noController}, waited: seconds(2, 34), want: []string{"KM-12", "KM-58"}},
		{name: "the slow one goes", looks: []*layout{both, noController, well}, waited: seconds(2, 34)},
		{name: "two at one place", looks: []*layout{twice, twice}, waited: seconds(20), want: []string{"KM-74", "KM-74"}},
		{name: "never right", looks: []*layout{offline, well}, want: []string{"KM-40"}},
		{name: "one look", looks: []*layout{marker}, once: true, want: []string{"KM-58 once"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := looks{layouts: c.looks}
			var found []string
			for _, f := range s.run(t, c.once).Findings {
				id := f.Rule.ID
				if f.Unconfirmed {
					id += " once"
				}
				found = append(found, id)
			}
			if !slices.Equal(found, c.want) || !slices.Equal(s.waited, c.waited) {
				t.Errorf("found %v after waiting %v, want %v after %v", found, s.waited, c.want, c.waited)
			}
		})
	}
}

func TestRunPassesErrorsOn(t *testing.T) {
	failed := errors.New("no server")
	for name, c := range map[string]struct {
		loads []error
		wait  error
	}{
		"first load":  {loads: []error{failed}},
		"second load": {loads: []error{nil, failed}},
		"wait":        {loads: []error{nil}, wait: failed},
	} {
		n := 0
		report, err := Run(t.Context(), func(context.Context) (*view.View, error) {
			n++
			return changed(func(l *layout) { l.remove("/controller") }).view(t), c.loads[n-1]
		}, Options{Wait: func(context.Context, time.Duration) error { return c.wait }})
		if !errors.Is(err, failed) || report != nil {
			t.Errorf("%s: %v, %v", name, report, err)
		}
	}
}

func TestWaitEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	load := func(context.Context) (*view.View, error) {
		cancel()
		return changed(func(l *layout) { l.remove("/controller") }).view(t), nil
	}
	if _, err := Run(ctx, load, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestUnreadNodesAreNotJudged(t *testing.T) {
	v := healthy().view(t)
	z := v.At("/config/users/al%20ice")
	z.Data, z.Value, z.Err = nil, nil, wire.NoAuth
	report, err := Check(v, Facts{})
	if err != nil || len(report.Findings) > 0 || !slices.Equal(report.Unread, []string{z.Path}) {
		t.Fatalf("%+v, %v", report, err)
	}
	if code := report.ExitCode(Error); code != ExitBlind {
		t.Errorf("exit code %d", code)
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		spoil func(l *layout)
		want  [4]int // by the severity that counts: info, warning, error, fatal
	}{
		{func(*layout) {}, [4]int{0, 0, 0, 0}},
		{func(l *layout) { l.remove("/config/topics/orders") }, [4]int{1, 0, 0, 0}},
		{func(l *layout) { l.put(orders0State, stateData(2, "1,2,3")) }, [4]int{1, 1, 0, 0}},
		{func(l *layout) { l.put(orders0State, stateData(-1, "1,2,3")) }, [4]int{1, 1, 1, 0}},
		{func(l *layout) { l.null(orders) }, [4]int{1, 1, 1, 1}},
	} {
		l := healthy()
		c.spoil(l)
		report, err := Check(l.view(t), Facts{})
		if err != nil {
			t.Fatal(err)
		}
		for s := Info; s <= Fatal; s++ {
			if got := report.ExitCode(s); got != c.want[s] {
				t.Errorf("%s: exit code %d for %s, want %d", report.summary(), got, s, c.want[s])
			}
		}
	}
}

func TestSeverities(t *testing.T) {
	for s := Info; s <= Fatal; s++ {
		if parsed, err := ParseSeverity(s.String()); err != nil || parsed != s {
			t.Errorf("%s comes back as %v, %v", s, parsed, err)
		}
	}
	if _, err := ParseSeverity("bad"); err == nil || Severity(9).String() != "severity 9" {
		t.Errorf("%v, %v", err, Severity(9))
	}
}
