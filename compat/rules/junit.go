package rules

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// The elements of JUnit's XML that build servers read.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Errors   int         `xml:"errors,attr"`
		Time     string      `xml:"timestamp,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		Failure *junitResult `xml:"failure"`
		Error   *junitResult `xml:"error"`
		Skipped *junitResult `xml:"skipped"`
		Output  string       `xml:"system-out,omitempty"`
	}
	junitResult struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the report as a test suite with a case for each rule. A
// case fails with findings of at least failOn; milder ones are its output. A
// rule that was not applied is skipped. Nodes that could not be read are an
// error of a case of their own.
func (r *Report) WriteJUnit(w io.Writer, failOn Severity) error {
	suite := junitSuite{Name: "kafka check " + r.Source.Name + " " + r.Chroot, Time: r.Taken.UTC().Format("2006-01-02T15:04:05")}
	byRule := make(map[string]group)
	for _, g := range r.groups() {
		byRule[g.rule.ID] = g
	}
	reasons := make(map[string][]string)
	for _, u := range r.Unjudged {
		reasons[u.Rule.ID] = append(reasons[u.Rule.ID], u.Reason)
	}
	for i := range all {
		rule := &all[i]
		c := junitCase{Class: "kafka." + rule.Severity.String(), Name: rule.ID + " " + rule.Title}
		g, found := byRule[rule.ID]
		switch {
		case found && g.findings[0].Severity >= failOn:
			c.Failure = &junitResult{Message: rule.Meaning, Type: g.findings[0].Severity.String(), Text: g.text()}
			suite.Failures++
		case found:
			c.Output = g.text()
		case len(reasons[rule.ID]) > 0:
			c.Skipped = &junitResult{Message: strings.Join(reasons[rule.ID], "; ")}
			suite.Skipped++
		}
		suite.Cases = append(suite.Cases, c)
	}
	if len(r.Unread) > 0 {
		unread := &junitResult{Message: "nodes could not be read for want of rights", Text: strings.Join(r.Unread[:min(len(r.Unread), PerRuleMax)], "\n")}
		suite.Cases = append(suite.Cases, junitCase{Class: "kafka", Name: "all nodes can be read", Error: unread})
		suite.Errors++
	}
	suite.Tests = len(suite.Cases)
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err == nil {
		_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	}
	if err != nil {
		return fmt.Errorf("rules: write JUnit XML: %w", err)
	}
	return nil
}

// text is the group's findings and what to do.
func (g group) text() string {
	var b strings.Builder
	for _, f := range g.findings {
		fmt.Fprintf(&b, "%s %s: %s\n", f.Severity, printable(f.Path), printable(f.Detail))
	}
	if g.further > 0 {
		fmt.Fprintf(&b, "and %d more\n", g.further)
	}
	return b.String() + "Fix: " + g.rule.Fix + "\n"
}
