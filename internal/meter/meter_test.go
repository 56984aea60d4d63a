package meter

import (
	"testing"
	"time"
)

// A nil Meter takes everything and counts nothing.
func TestNilMeterCountsNothing(t *testing.T) {
	all := func() {
		var m *Meter
		m.SignIn(Password, SignedIn)
		m.Budgets("password")
		m.Throttled("password")
		m.Mail(MailSent)
		m.Tasks("job")
		m.Task("job", time.Time{}, TaskDone)
		m.Begin()
		m.End()
		m.Panicked()
		m.Route("GET", "/").Answered(200, time.Second)
		m.Database(Read, time.Second)
		m.Retried()
		m.GaveUp()
		m.HashWaited(time.Second)
		m.HashRefused()
		m.Hashed(time.Second)
	}
	if n := testing.AllocsPerRun(10, all); n != 0 {
		t.Errorf("%v allocations where nothing is counted", n)
	}
}

// An answer that could not be sent, or has a strange status, is a failure.
func TestStrangeStatusIsAFailure(t *testing.T) {
	m := New()
	r := m.Route("GET", "/x")
	for _, status := range []int{0, 100, 600, 503} {
		r.Answered(status, time.Second)
	}
	r.Answered(204, time.Second)
	families, err := m.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		if family.GetName() != "portal_http_requests_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "status" {
					got[label.GetValue()] = metric.GetCounter().GetValue()
				}
			}
		}
	}
	if got["5xx"] != 4 || got["2xx"] != 1 {
		t.Errorf("counted %v", got)
	}
}

// BenchmarkRequest is what one request with one query adds to its answer.
func BenchmarkRequest(b *testing.B) {
	m := New()
	r := m.Route("GET", "/account")
	b.ReportAllocs()
	for b.Loop() {
		m.Begin()
		m.Database(Read, 300*time.Microsecond)
		r.Answered(200, time.Millisecond)
		m.End()
	}
}
