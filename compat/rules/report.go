package rules

import (
	"cmp"
	"slices"
	"time"

	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/view"
)

// Codes for a command to end with.
const (
	ExitClean    = 0 // no finding as severe as asked for
	ExitFindings = 1 // at least one
	ExitBlind    = 2 // none, but not everything could be looked at; or no report at all
)

// Finding is one state that a rule looks for.
type Finding struct {
	Rule     *Rule
	Severity Severity // the rule's, or less for a mild case
	Path     string   // on the server, chroot included
	Detail   string   // what exactly is found there
	Related  []string // other nodes that belong to it, some of them
	// Unconfirmed says that the state may be right for a moment, and that it was
	// seen only once.
	Unconfirmed bool
}

// Unjudged is a rule that was not applied, or not to everything.
type Unjudged struct {
	Rule   *Rule
	Reason string
}

// Report is the outcome of a check.
type Report struct {
	Source   view.Source
	Chroot   string // "/" for the root of the server
	Zxid     wire.Zxid
	Taken    time.Time
	Brokers  int // registered
	Topics   int
	Nodes    int // znodes looked at
	Findings []Finding
	Unjudged []Unjudged
	// Unread are the nodes whose data the reader may not see, on the server.
	Unread []string
	// Warnings are the view's: what it may show wrongly or not at all.
	Warnings []view.Warning
}

func newReport(c *cluster) *Report {
	v := c.view
	r := &Report{
		Source: v.Source, Chroot: v.Chroot.String(), Zxid: v.Zxid, Taken: v.Taken,
		Brokers: len(c.brokers), Topics: len(c.topics), Nodes: v.NumNodes(), Warnings: v.Warnings,
	}
	for _, z := range c.unread {
		r.Unread = append(r.Unread, v.Chroot.Join(z.Path))
	}
	return r
}

// Count is the number of findings of at least a severity.
func (r *Report) Count(atLeast Severity) int {
	n := 0
	for i := range r.Findings {
		if r.Findings[i].Severity >= atLeast {
			n++
		}
	}
	return n
}

// ExitCode is the code to end with when findings of at least a severity count.
// Without any, nodes that could not be read make it ExitBlind.
func (r *Report) ExitCode(failOn Severity) int {
	switch {
	case r.Count(failOn) > 0:
		return ExitFindings
	case len(r.Unread) > 0:
		return ExitBlind
	}
	return ExitClean
}

// PerRuleMax is how many findings of a rule are written; of further ones only
// their number is.
const PerRuleMax = 20

// group is what is written of one rule.
type group struct {
	rule     *Rule
	findings []Finding // the most severe first
	further  int
}

// groups gives the rules with findings in the order of their ids.
func (r *Report) groups() []group {
	byRule := make(map[*Rule][]Finding)
	for _, f := range r.Findings {
		byRule[f.Rule] = append(byRule[f.Rule], f)
	}
	var groups []group
	for i := range all {
		findings := byRule[&all[i]]
		if len(findings) == 0 {
			continue
		}
		sortBySeverity(findings)
		shown := min(len(findings), PerRuleMax)
		groups = append(groups, group{&all[i], findings[:shown], len(findings) - shown})
	}
	return groups
}

// sortBySeverity puts the most severe first and keeps the order else.
func sortBySeverity(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
}
