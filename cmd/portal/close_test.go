package main

import "testing"

// The host ends all sessions and closes whole customers while the portal
// serves; the next request of whoever it concerns is refused.
func TestHostClosesCustomers(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	s.Run("", "customer", "add", "Rival")
	wendy, rob := s.join("Acme", "user", "wendy"), s.join("Rival", "user", "rob")
	wendy.signIn()
	rob.signIn()
	wantLine(t, s.Run("", "sessions", "end-all", "--customer", "acme"), "Ended 1 sessions")
	wendy.Get("/account").wantRedirect(t, "/sign-in")
	rob.Get("/account").want(t, 200)
	wantLine(t, s.Run("", "sessions", "end-all"), "Ended 1 sessions")
	rob.Get("/account").wantRedirect(t, "/sign-in")

	wendy.signIn()
	rob.signIn()
	s.Run("", "customer", "suspend", "Acme")
	wantLine(t, s.Run("", "customer", "list"), `Acme .* Suspended`)
	wendy.Get("/account").wantRedirect(t, "/sign-in")
	wendy.Post("/sign-in", "login_id", "wendy", "password", goodPassword).want(t, 422)
	rob.Get("/account").want(t, 200)
	s.Run("", "customer", "reactivate", "Acme")
	wendy.Get("/account").wantRedirect(t, "/sign-in")
	wendy.signIn()
	if _, _, code := s.Try("", "customer", "suspend", "Nix"); code != 1 {
		t.Errorf("an unknown customer: exit %d", code)
	}
}
