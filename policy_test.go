package portal

import (
	"errors"
	"testing"
	"time"
)

// Mode and day are checked together, and against what holds already (IN-02).
func TestPoliciesAreChecked(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	later, past := now.AddDate(0, 0, 7), now.AddDate(0, 0, -7)
	old := Policies{User: Policy{PolicyRequired, past}, Administrator: Policy{PolicyRecommended, time.Time{}}}
	good := Policies{User: Policy{PolicyOff, time.Time{}}, Administrator: Policy{PolicyOff, time.Time{}}}
	for _, c := range []struct {
		wanted, want Policy
		field        Field // of the refusal
	}{
		{Policy{PolicyOff, time.Time{}}, Policy{PolicyOff, time.Time{}}, ""},
		{Policy{PolicyRecommended, time.Time{}}, Policy{PolicyRecommended, time.Time{}}, ""},
		{Policy{PolicyRequired, later}, Policy{PolicyRequired, later}, ""},
		{Policy{PolicyRequired, past}, Policy{PolicyRequired, now}, ""},
		{Policy{PolicyRequired, time.Time{}}, Policy{}, FieldAdministratorFrom},
		{Policy{PolicyOff, later}, Policy{}, FieldAdministratorFrom},
		{Policy{PolicyRecommended, past}, Policy{}, FieldAdministratorFrom},
		{Policy{PolicyRequired, now.AddDate(3, 0, 0)}, Policy{}, FieldAdministratorFrom},
		{Policy{"", time.Time{}}, Policy{}, FieldAdministratorPolicy},
		{Policy{"Required", later}, Policy{}, FieldAdministratorPolicy},
	} {
		good.Administrator = c.wanted
		got, err := old.Checked(good, now)
		var e *Error
		if errors.As(err, &e) != (c.field != "") || (e != nil && (e.Field != c.field || e.Code != CodeInvalid)) || (e == nil && got.Administrator != c.want) {
			t.Errorf("%+v: %+v, %v", c.wanted, got.Administrator, err)
		}
	}
	kept, err := old.Checked(Policies{User: Policy{PolicyRequired, past.AddDate(0, 0, -1)}, Administrator: old.Administrator}, now)
	if err != nil || kept != old || len(kept.Changed(old)) != 0 {
		t.Errorf("what is in force has moved: %+v, %v", kept, err)
	}
	if changed := good.Changed(old); len(changed) != 2 || good.Version() == old.Version() {
		t.Errorf("changed: %v", changed)
	}
}

// Reminders are due 14, 7, 3 and 1 days before, each until the next.
func TestReminders(t *testing.T) {
	from := time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)
	p := Policy{PolicyRequired, from}
	for before, want := range map[time.Duration]time.Duration{
		14*day + 1: 0, 14 * day: 14, 8 * day: 14, 7 * day: 7, 3*day + 1: 7, 3 * day: 3, 2 * day: 3, day: 1, 1: 1, 0: 0, -day: 0,
	} {
		since, due := p.Reminder(from.Add(-before))
		if due != (want > 0) || (due && !since.Equal(from.Add(-want*day))) {
			t.Errorf("%v before: %v, %v", before, since, due)
		}
	}
	for before, want := range map[time.Duration]int{14 * day: 14, 13*day + 1: 14, day: 1, 1: 1} {
		if got := p.DaysLeft(from.Add(-before)); got != want {
			t.Errorf("%v before: %d days left, want %d", before, got, want)
		}
	}
	if _, due := (Policy{PolicyRecommended, from}).Reminder(from.Add(-day)); due {
		t.Error("a recommendation reminds")
	}
}
