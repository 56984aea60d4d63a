package admin_test

import (
	"fmt"
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// remind runs the job as the keeper does.
func (s scene) remind(t *testing.T) {
	t.Helper()
	if err := s.Admin.RemindOfPolicy(t.Context(), portal.Itself()); err != nil {
		t.Fatal(err)
	}
}

// reminders are the letters that wait for a person.
func (s scene) reminders(t *testing.T, login string) []portal.Letter {
	t.Helper()
	return s.LettersOf(t, login, portal.MailPolicyReminder)
}

// Each person without 2FA is reminded once at each mark: 14, 7, 3 and 1 days
// before, and not after; nobody else is.
func TestRemindersComeAtTheirMarks(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		kept, _ := s.protected(t, s.acme, "kept")
		kept.Take(s.Auth.DisableTwoFactor(t.Context(), kept.Actor(), kept.Proof()))
		s.bystanders(t)
		from := s.Clock.Now().Add(20 * 24 * time.Hour).Truncate(24 * time.Hour)
		s.setOnHost(t, s.acme, want(requiredFrom(from), recommended()))
		wants := []int{}
		for day := -20; day <= 1; day++ {
			s.Clock.Advance(from.AddDate(0, 0, day).Sub(s.Clock.Now()))
			s.remind(t)
			s.remind(t)
			if day == -14 || day == -7 || day == -3 || day == -1 {
				wants = append(wants, -day)
			}
			for _, login := range []string{"wendy", "kept"} {
				var got []int
				for _, l := range s.reminders(t, login) {
					got = append(got, l.Left)
				}
				if fmt.Sprint(got) != fmt.Sprint(wants) {
					t.Fatalf("%d days before, %s has reminders %v, want %v", -day, login, got, wants)
				}
			}
		}
		for _, login := range []string{"has.it", "boss", "suspended", "invited", "foreign"} {
			if told := s.reminders(t, login); len(told) != 0 {
				t.Errorf("%s is reminded: %+v", login, told)
			}
		}
		if l := s.reminders(t, "wendy")[0]; !l.Until.Equal(from) || l.Customer != "Acme" || l.To != "wendy@example.com" || l.By != "" || l.Address != "" {
			t.Errorf("the letter is %+v", l)
		}
	})
}

// bystanders are people who are not to be reminded.
func (s scene) bystanders(t *testing.T) {
	t.Helper()
	s.protected(t, s.acme, "has.it")
	s.User(t, s.acme, portal.RoleAdministrator, "boss")
	s.User(t, s.other, portal.RoleUser, "foreign")
	suspended := s.User(t, s.acme, portal.RoleUser, "suspended")
	if _, err := s.Admin.Suspend(t.Context(), s.acme, suspended.ID, auth.Proof{}); err != nil {
		t.Fatal(err)
	}
	invited := admin.NewUser{LoginID: "invited", Name: "Invited", Email: "invited@example.com", Role: "user"}
	if _, err := s.Admin.AddUserWithLink(t.Context(), s.acme, invited); err != nil {
		t.Fatal(err)
	}
}

// Whoever was reminded of another day than the one that holds now is told the
// right one within the hour, once: the nearer it has come the more it matters.
func TestMovedDayIsToldAnew(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		s.User(t, s.acme, portal.RoleAdministrator, "ada")
		day := func(n int) time.Time { return s.Clock.Now().Truncate(24*time.Hour).AddDate(0, 0, n) }
		later := requiredFrom(day(12))
		s.setOnHost(t, s.acme, want(requiredFrom(day(14)), later))
		s.remind(t)
		var told []int
		for _, nearer := range []int{13, 1} {
			s.Clock.Advance(2 * time.Hour)
			s.setOnHost(t, s.acme, want(requiredFrom(day(nearer)), later))
			nodes := []*house.House{s.House, s.Again(t)}
			house.AtOnce(len(nodes), func(i int) {
				if err := nodes[i].Admin.RemindOfPolicy(t.Context(), portal.Itself()); err != nil {
					t.Error(err)
				}
			})
			s.remind(t)
		}
		for _, l := range s.reminders(t, "wendy") {
			told = append(told, l.Left)
		}
		if fmt.Sprint(told) != "[14 13 1]" {
			t.Errorf("reminded with %v days left, want one mail for each day that was set", told)
		}
		if n := len(s.reminders(t, "ada")); n != 1 {
			t.Errorf("ada, whose day stays, has %d reminders", n)
		}
	})
}

// Several nodes at once, and a job that was cut off, remind nobody twice; a day
// that is moved nearer has marks of its own.
func TestRemindersAreSentOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		const people = 60 // more than are read at once
		for i := range people {
			s.User(t, s.acme, portal.RoleUser, fmt.Sprintf("same.%02d", i))
		}
		s.setOnHost(t, s.acme, want(requiredFrom(s.Clock.Now().AddDate(0, 0, 10)), recommended()))
		s.change(t, "UPDATE users SET reminded_at = $1 WHERE login_id < 'same.07'", s.Clock.Now().UnixMicro()) // cut off here
		nodes := []*house.House{s.House, s.Again(t), s.Again(t)}
		house.AtOnce(len(nodes), func(i int) {
			if err := nodes[i].Admin.RemindOfPolicy(t.Context(), portal.Itself()); err != nil {
				t.Error(err)
			}
		})
		if told := s.mails(t, portal.MailPolicyReminder); len(told) != people-7 || told[0] != "same.07@example.com" {
			t.Errorf("%d reminders, the first to %s", len(told), told[0])
		}
		s.Clock.Advance(24 * time.Hour)
		s.setOnHost(t, s.acme, want(requiredFrom(s.Clock.Now().AddDate(0, 0, 7)), recommended()))
		s.remind(t)
		if told := s.mails(t, portal.MailPolicyReminder); len(told) != people-7+people {
			t.Errorf("%d reminders after the day has moved nearer, want %d", len(told), people-7+people)
		}
	})
}
