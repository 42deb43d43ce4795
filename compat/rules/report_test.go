package rules

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/view"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// sample is a report with something of everything.
func sample(t *testing.T) *Report {
	t.Helper()
	l := healthy()
	l.chroot, l.source = "/kafka", view.Source{Kind: view.LiveServer, Name: "zk1:2181"}
	l.remove("/controller", "/config/topics/payments.eu")
	l.edit("/config/brokers/1", "log.cleaner.threads", "my\x07plugin")
	l.null("/brokers/topics/a\x1bb")
	for i := range PerRuleMax + 3 {
		l.null(fmt.Sprintf("/admin/delete_topics/gone%02d", i))
	}
	v := l.view(t)
	z := v.At("/config/users/bob/clients/c1")
	z.Data, z.Value, z.Err = nil, nil, wire.NoAuth
	v.Warnings = []view.Warning{{Path: "/admin", Text: "its ACL may not be read with the credentials given"}}
	report, err := Check(v, Facts{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestFormats(t *testing.T) {
	report := sample(t)
	for name, write := range map[string]func(io.Writer) error{
		"report.txt":   report.WriteText,
		"report.json":  report.WriteJSON,
		"report.xml":   func(w io.Writer) error { return report.WriteJUnit(w, Error) },
		"report.sarif": report.WriteSARIF,
		"rules.txt":    WriteRules,
		"rules.json":   WriteRulesJSON,
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := write(&got); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name)
			if *rewrite {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s is not as in testdata; run go test -rewrite and look at the difference. It is\n%s", name, got.Bytes())
			}
			if err := write(failingWriter{}); err == nil {
				t.Error("a failed write is no error")
			}
		})
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestFormatsAreWellFormed reads what other programs read.
func TestFormatsAreWellFormed(t *testing.T) {
	report := sample(t)
	var text, document, suite, log bytes.Buffer
	for w, write := range map[*bytes.Buffer]func(io.Writer) error{
		&text: report.WriteText, &document: report.WriteJSON, &log: report.WriteSARIF, &suite: func(w io.Writer) error { return report.WriteJUnit(w, Error) },
	} {
		if err := write(w); err != nil {
			t.Fatal(err)
		}
	}
	if strings.ContainsAny(text.String(), "\x1b\x07") {
		t.Error("the text has control characters")
	}
	var parsed struct {
		Counts  map[string]int
		Further map[string]int
	}
	if err := json.Unmarshal(document.Bytes(), &parsed); err != nil || parsed.Further["KM-58"] != 3 || parsed.Counts["error"] < PerRuleMax+3 {
		t.Errorf("%+v, %v", parsed, err)
	}
	var sarif struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
			}
		}
	}
	if err := json.Unmarshal(log.Bytes(), &sarif); err != nil || sarif.Version != "2.1.0" {
		t.Fatalf("%v, version %s", err, sarif.Version)
	}
	for _, r := range sarif.Runs[0].Results {
		if sarif.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.Level == "" {
			t.Errorf("%+v", r)
		}
	}
	var junit struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Cases    []struct {
			Failure *struct{} `xml:"failure"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(suite.Bytes(), &junit); err != nil || junit.Tests != len(junit.Cases) || junit.Tests != 98 {
		t.Fatalf("%d tests, %d cases, %v", junit.Tests, len(junit.Cases), err)
	}
	failures := 0
	for _, c := range junit.Cases {
		if c.Failure != nil {
			failures++
		}
	}
	if failures != junit.Failures || failures == 0 {
		t.Errorf("%d failures, the suite says %d", failures, junit.Failures)
	}
}
