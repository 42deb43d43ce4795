package rules

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// ruleJSON is a rule in the JSON forms.
type ruleJSON struct {
	ID            string   `json:"id"`
	Title         string   `json:"title"`
	Severity      Severity `json:"severity"`
	Meaning       string   `json:"meaning"`
	Fix           string   `json:"fix"`
	Transient     bool     `json:"transient"`
	SettleSeconds int      `json:"settleSeconds,omitempty"`
}

// MarshalJSON writes all of a rule but what it does.
func (r *Rule) MarshalJSON() ([]byte, error) {
	return json.Marshal(ruleJSON{r.ID, r.Title, r.Severity, r.Meaning, r.Fix, r.Transient(), int(r.Settle / time.Second)})
}

// WriteRulesJSON writes all rules as an array.
func WriteRulesJSON(w io.Writer) error {
	list := make([]*Rule, len(all))
	for i := range all {
		list[i] = &all[i]
	}
	return writeJSON(w, list)
}

type findingJSON struct {
	Rule        string   `json:"rule"`
	Severity    Severity `json:"severity"`
	Path        string   `json:"path"`
	Detail      string   `json:"detail"`
	Related     []string `json:"related,omitempty"`
	Unconfirmed bool     `json:"unconfirmed,omitempty"`
}

type unjudgedJSON struct {
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
}

type warningJSON struct {
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
}

type reportJSON struct {
	Source   string         `json:"source"`
	Name     string         `json:"name"`
	Chroot   string         `json:"chroot"`
	Zxid     string         `json:"zxid"`
	Taken    time.Time      `json:"taken"`
	Brokers  int            `json:"brokers"`
	Topics   int            `json:"topics"`
	Znodes   int            `json:"znodes"`
	Counts   map[string]int `json:"counts"` // all findings by severity, written or not
	Rules    []*Rule        `json:"rules"`  // those with findings
	Findings []findingJSON  `json:"findings"`
	Further  map[string]int `json:"further,omitempty"` // by rule, findings that are left out
	Unjudged []unjudgedJSON `json:"unjudged,omitempty"`
	Unread   []string       `json:"unread,omitempty"`
	Warnings []warningJSON  `json:"warnings,omitempty"`
}

// WriteJSON writes the report as one object: what was looked at, counts by
// severity, the rules with findings, the findings, at most PerRuleMax of a
// rule, and what the report cannot tell.
func (r *Report) WriteJSON(w io.Writer) error {
	document := reportJSON{
		Source: r.Source.Kind.String(), Name: r.Source.Name, Chroot: r.Chroot, Zxid: r.Zxid.String(), Taken: r.Taken,
		Brokers: r.Brokers, Topics: r.Topics, Znodes: r.Nodes, Counts: make(map[string]int),
		Rules: []*Rule{}, Findings: []findingJSON{}, Further: make(map[string]int), Unread: r.Unread,
	}
	for s := Info; s <= Fatal; s++ {
		document.Counts[s.String()] = r.Count(s) - r.Count(s+1)
	}
	for _, g := range r.groups() {
		document.Rules = append(document.Rules, g.rule)
		for _, f := range g.findings {
			document.Findings = append(document.Findings, findingJSON{f.Rule.ID, f.Severity, f.Path, f.Detail, f.Related, f.Unconfirmed})
		}
		if g.further > 0 {
			document.Further[g.rule.ID] = g.further
		}
	}
	for _, u := range r.Unjudged {
		document.Unjudged = append(document.Unjudged, unjudgedJSON{u.Rule.ID, u.Reason})
	}
	for _, warning := range r.Warnings {
		document.Warnings = append(document.Warnings, warningJSON{warning.Path, warning.Text})
	}
	return writeJSON(w, document)
}

func writeJSON(w io.Writer, document any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(document); err != nil {
		return fmt.Errorf("rules: write JSON: %w", err)
	}
	return nil
}
