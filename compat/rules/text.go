package rules

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// WriteText writes the report for people: what was looked at, then each rule
// with findings, its meaning and what to do.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s, chroot %s, zxid %v: %d brokers, %d topics, %d znodes\n",
		r.Source.Kind, printable(r.Source.Name), printable(r.Chroot), r.Zxid, r.Brokers, r.Topics, r.Nodes)
	for _, g := range r.groups() {
		g.writeText(&b)
	}
	r.writeLimits(&b)
	b.WriteString("\n" + r.summary() + "\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("rules: write the report: %w", err)
	}
	return nil
}

func (g group) writeText(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s %s: %s\n  %s\n  Fix: %s\n", g.rule.ID, g.rule.Severity, g.rule.Title, g.rule.Meaning, g.rule.Fix)
	for _, f := range g.findings {
		note := ""
		if f.Severity != g.rule.Severity {
			note = " [" + f.Severity.String() + "]"
		}
		if f.Unconfirmed {
			note += " [seen once: may be right for " + g.rule.Settle.String() + "]"
		}
		fmt.Fprintf(b, "  - %s: %s%s\n", printable(f.Path), printable(f.Detail), note)
	}
	if g.further > 0 {
		fmt.Fprintf(b, "  and %d more\n", g.further)
	}
}

// writeLimits says what the report cannot tell.
func (r *Report) writeLimits(b *strings.Builder) {
	if len(r.Unread) > 0 {
		fmt.Fprintf(b, "\nNot read for want of rights, %d nodes; give credentials:\n", len(r.Unread))
		for _, path := range r.Unread[:min(len(r.Unread), PerRuleMax)] {
			fmt.Fprintf(b, "  - %s\n", printable(path))
		}
	}
	if len(r.Warnings) > 0 {
		b.WriteString("\nThe view may be wrong:\n")
		for _, w := range r.Warnings {
			fmt.Fprintf(b, "  - %s %s\n", printable(w.Path), printable(w.Text))
		}
	}
	if len(r.Unjudged) > 0 {
		b.WriteString("\nNot judged, or not to the full:\n")
		for _, u := range r.Unjudged {
			fmt.Fprintf(b, "  - %s %s: %s\n", u.Rule.ID, u.Rule.Title, u.Reason)
		}
	}
}

// summary counts the findings by severity.
func (r *Report) summary() string {
	if len(r.Findings) == 0 {
		return "no findings"
	}
	var parts []string
	for s := Fatal; ; s-- {
		if n := r.Count(s) - r.Count(s+1); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
		if s == Info {
			return "findings: " + strings.Join(parts, ", ")
		}
	}
}

// printable quotes a text with characters that a terminal would act upon.
func printable(text string) string {
	if strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return strconv.Quote(text)
	}
	return text
}

// WriteRules writes all rules as a table for people.
func WriteRules(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RULE\tSEVERITY\tSETTLES IN\tLOOKS FOR")
	for _, rule := range all {
		settles := "-"
		if rule.Transient() {
			settles = rule.Settle.Round(time.Second).String()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", rule.ID, rule.Severity, settles, rule.Title)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("rules: write the rules: %w", err)
	}
	return nil
}
