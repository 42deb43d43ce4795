package rules

import (
	"fmt"
	"io"
)

// The parts of SARIF 2.1.0 (OASIS) that the report uses. A znode is no file, so
// that places are logical locations.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
		Properties  map[string]any    `json:"properties,omitempty"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID            string       `json:"id"`
		Short         sarifMessage `json:"shortDescription"`
		Full          sarifMessage `json:"fullDescription"`
		Help          sarifMessage `json:"help"`
		Configuration sarifDefault `json:"defaultConfiguration"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string       `json:"level"`
		Message sarifMessage `json:"message"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifMessage      `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Related      []sarifLocation   `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Logical []sarifLogical `json:"logicalLocations"`
	}
	sarifLogical struct {
		FullName string `json:"fullyQualifiedName"`
		Kind     string `json:"kind"`
	}
)

const sarifSchema = "https://json.schemastore.org/sarif-2.1.0.json"

// level is a severity in SARIF's words.
func (s Severity) level() string {
	switch s {
	case Info:
		return "note"
	case Warning:
		return "warning"
	}
	return "error"
}

// WriteSARIF writes the report in the Static Analysis Results Interchange
// Format 2.1.0. Results beyond PerRuleMax of a rule, rules that were not
// applied and nodes that could not be read are notifications of the run.
func (r *Report) WriteSARIF(w io.Writer) error {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "coord kafka check"}}, Results: []sarifResult{}}
	index := make(map[string]int)
	for i := range all {
		rule := &all[i]
		index[rule.ID] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
			rule.ID, sarifMessage{rule.Title}, sarifMessage{rule.Meaning}, sarifMessage{rule.Fix}, sarifDefault{rule.Severity.level()},
		})
	}
	done := sarifInvocation{Successful: len(r.Unread) == 0}
	notify := func(level, format string, args ...any) {
		done.Notifications = append(done.Notifications, sarifNotification{level, sarifMessage{fmt.Sprintf(format, args...)}})
	}
	for _, g := range r.groups() {
		for _, f := range g.findings {
			run.Results = append(run.Results, f.sarif(index[f.Rule.ID]))
		}
		if g.further > 0 {
			notify("note", "%s: %d more results are left out", g.rule.ID, g.further)
		}
	}
	for _, path := range r.Unread[:min(len(r.Unread), PerRuleMax)] {
		notify("error", "%s could not be read for want of rights", path)
	}
	for _, u := range r.Unjudged {
		notify("note", "%s was not applied to the full: %s", u.Rule.ID, u.Reason)
	}
	for _, warning := range r.Warnings {
		notify("warning", "%s %s", warning.Path, warning.Text)
	}
	run.Invocations = []sarifInvocation{done}
	run.Properties = map[string]any{"source": r.Source.Name, "chroot": r.Chroot, "zxid": r.Zxid.String()}
	return writeJSON(w, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

func (f *Finding) sarif(ruleIndex int) sarifResult {
	result := sarifResult{
		RuleID: f.Rule.ID, RuleIndex: ruleIndex, Level: f.Severity.level(), Message: sarifMessage{f.Path + ": " + f.Detail},
		Locations: []sarifLocation{sarifPlace(f.Path)}, Fingerprints: map[string]string{"znode/v1": f.Rule.ID + " " + f.Path},
	}
	for _, path := range f.Related {
		result.Related = append(result.Related, sarifPlace(path))
	}
	return result
}

func sarifPlace(path string) sarifLocation {
	return sarifLocation{[]sarifLogical{{FullName: path, Kind: "resource"}}}
}
