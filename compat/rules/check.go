package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// ErrNotKafka says that nothing in the view is Kafka's.
var ErrNotKafka = errors.New("this is no Kafka cluster")

// Check applies all rules to one view. States that may be right for a moment
// are reported as Unconfirmed.
//
// Errors: ErrNotKafka, with the Kafka trees that are further below.
func Check(v *view.View, facts Facts) (*Report, error) {
	c, err := newCluster(v, facts)
	if err != nil {
		return nil, err
	}
	report := newReport(c)
	for i := range all {
		r := recorder{rule: &all[i], chroot: v.Chroot, report: report}
		r.rule.check(c, &r)
	}
	return report, nil
}

// Options say how to look.
type Options struct {
	Facts Facts
	// Once does not look again: the source will not change. States that may be
	// right for a moment are reported as Unconfirmed.
	Once bool
	// Wait lets time pass; nil waits as long as it says.
	Wait func(ctx context.Context, d time.Duration) error
}

// Run loads a view and applies all rules. What may be right for a moment is
// looked at again, each time with a new view, until it has gone or lasted
// longer than its rule's Settle. The report is on the first view but for that.
//
// Errors: those of load and of Wait, and ErrNotKafka. A command ends with
// ExitBlind then.
func Run(ctx context.Context, load func(context.Context) (*view.View, error), o Options) (*Report, error) {
	look := func() (*Report, error) {
		v, err := load(ctx)
		if err != nil {
			return nil, fmt.Errorf("rules: %w", err)
		}
		return Check(v, o.Facts)
	}
	report, err := look()
	if err != nil || o.Once {
		return report, err
	}
	wait := o.Wait
	if wait == nil {
		wait = waitFor
	}
	var waited time.Duration
	for next := report.nextSettle(); next > 0; next = report.nextSettle() {
		if err := wait(ctx, next-waited); err != nil {
			return nil, fmt.Errorf("rules: wait before looking again: %w", err)
		}
		waited = next
		again, err := look()
		if err != nil {
			return nil, err
		}
		report.confirm(again, waited)
	}
	return report, nil
}

func waitFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// nextSettle is the shortest Settle of what is not confirmed yet, 0 if nothing
// is left.
func (r *Report) nextSettle() time.Duration {
	var next time.Duration
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Unconfirmed && (next == 0 || f.Rule.Settle < next) {
			next = f.Rule.Settle
		}
	}
	return next
}

// confirm takes the outcome of another look after some time: what is not
// confirmed yet becomes what that look found at the same place.
func (r *Report) confirm(again *Report, after time.Duration) {
	type place struct{ rule, path string }
	pending := make(map[place]bool)
	var findings []Finding
	for _, f := range r.Findings {
		if f.Unconfirmed {
			pending[place{f.Rule.ID, f.Path}] = true
		} else {
			findings = append(findings, f)
		}
	}
	for _, f := range again.Findings {
		if pending[place{f.Rule.ID, f.Path}] {
			f.Unconfirmed = f.Rule.Settle > after
			findings = append(findings, f)
		}
	}
	slices.SortStableFunc(findings, func(a, b Finding) int { return strings.Compare(a.Rule.ID, b.Rule.ID) })
	r.Findings = findings
}

// recorder takes the findings of one rule.
type recorder struct {
	rule   *Rule
	chroot model.Chroot
	report *Report
}

// add reports a state of the node at a path relative to the chroot. Related
// are the paths of other nodes that belong to it.
func (r *recorder) add(path, detail string, related ...string) {
	r.addAs(r.rule.Severity, path, detail, related...)
}

// addAs is add with a severity other than the rule's.
func (r *recorder) addAs(s Severity, path, detail string, related ...string) {
	f := Finding{Rule: r.rule, Severity: s, Path: r.chroot.Join(path), Detail: shorten(detail), Unconfirmed: r.rule.Transient()}
	for _, other := range related[:min(len(related), relatedMax)] {
		f.Related = append(f.Related, r.chroot.Join(other))
	}
	r.report.Findings = append(r.report.Findings, f)
}

// cannotJudge says why the rule, or a part of it, was not applied.
func (r *recorder) cannotJudge(reason string) {
	r.report.Unjudged = append(r.report.Unjudged, Unjudged{Rule: r.rule, Reason: reason})
}
