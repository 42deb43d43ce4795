package certify_test

import (
	"bytes"
	"testing"
	"time"

	"kafkacoord/compat/certify"
)

func result(script string, status certify.Status, lines ...certify.Line) certify.Result {
	return certify.Result{
		Script: script, About: "do " + script, Lines: lines, Status: status, Duration: 1500 * time.Microsecond,
	}
}

// sample has one script of each status; nothing of 1.1 was played.
func sample() *certify.Report {
	broken := result("fencing", certify.Fails, certify.Kafka2, certify.Kafka3)
	broken.Step, broken.Reason = "refuse a stale write", "code: expected -103, got 0"
	broken.Expected, broken.Got = "-103", "0"
	cut := result("claim", certify.Unknown, certify.Kafka3)
	cut.Step, cut.Reason = "claim /controller", "the time for the whole run is over"
	return &certify.Report{
		Server: "zoo:2181", Elapsed: 2 * time.Second, Leftover: "certify: remove /x, do it by hand: connection lost",
		Results: []certify.Result{result("watches", certify.Works, certify.Kafka010, certify.Kafka2), broken, cut},
	}
}

func TestReportAsText(t *testing.T) {
	const want = `zoo:2181: 3 scripts in 2s

Kafka    0.10   1.1  2.x    3.0-3.9  time
watches  works  -    works  -        2ms
fencing  -      -    FAILS  FAILS    2ms
claim    -      -    -      unknown  2ms
all      works  -    FAILS  FAILS    

fencing FAILS
  do fencing
  step: refuse a stale write
  code: expected -103, got 0

claim unknown
  do claim
  step: claim /controller
  the time for the whole run is over

certify: remove /x, do it by hand: connection lost
`
	var got bytes.Buffer
	if err := sample().WriteText(&got); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestReportAsJSON(t *testing.T) {
	const want = `{
  "server": "zoo:2181",
  "exitCode": 2,
  "elapsedMillis": 2000,
  "kafka": [
    {
      "line": "0.10",
      "status": "unused"
    },
    {
      "line": "1.1",
      "status": "unused"
    },
    {
      "line": "2.x",
      "status": "unused"
    },
    {
      "line": "3.0-3.9",
      "status": "unknown"
    }
  ],
  "results": [
    {
      "script": "claim",
      "about": "do claim",
      "lines": [
        "3.0-3.9"
      ],
      "status": "unknown",
      "step": "claim /controller",
      "reason": "the time for the whole run is over",
      "durationMillis": 1
    }
  ]
}
`
	report := sample()
	report.Results, report.Leftover = report.Results[2:], ""
	var got bytes.Buffer
	if err := report.WriteJSON(&got); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestExitCode(t *testing.T) {
	r := sample().Results
	works, fails, unknown := r[0], r[1], r[2]
	for _, c := range []struct {
		results []certify.Result
		want    int
	}{
		{[]certify.Result{works, works}, certify.ExitWorks},
		{[]certify.Result{works, unknown}, certify.ExitUnknown},
		{[]certify.Result{unknown, fails, works}, certify.ExitFails},
		{nil, certify.ExitUnknown},
	} {
		if got := (&certify.Report{Results: c.results}).ExitCode(); got != c.want {
			t.Errorf("%d results: exit code %d, want %d", len(c.results), got, c.want)
		}
	}
}
