package mail

import (
	"fmt"

	"portal"
)

// Letters about what looks suspicious, and those to administrators.

func newBrowser(portal.Letter) story {
	return story{
		subject: "Sign-in from a new browser",
		said:    []string{"Somebody signed in to your account from a browser that was not used for it before."},
		advice:  []string{"Was it you? Then there is nothing to do."},
	}
}

func wrongCodes(portal.Letter) story {
	return story{
		subject: "Wrong codes behind your password",
		said:    []string{"Somebody entered your right password and then several wrong codes. Two-factor authentication has kept the account closed."},
		advice:  []string{"Was it you? Then there is nothing to do. If not, somebody knows your password: change it now, and wherever else you use it."},
	}
}

func manyFailures(portal.Letter) story {
	return story{
		subject: "Sign-in after many failed tries",
		said:    []string{"Somebody signed in to your account after many tries that failed."},
		advice:  []string{"Was it you? Then there is nothing to do."},
	}
}

func frozen(l portal.Letter) story {
	return story{
		subject: "Your account is frozen",
		said:    []string{"Somebody said “this was not me” with a link from a mail to you. All sessions of your account have ended, and nobody can sign in."},
		advice:  []string{wayBack(l)},
	}
}

// wayBack says how a frozen account opens again. Who is the only administrator
// has none to ask.
func wayBack(l portal.Letter) string {
	switch {
	case l.Invited && l.Told:
		return "Your administrators have been told. One of them opens the account again and makes a new invitation: the one from before has ended."
	case l.Invited:
		return "Ask whoever runs this portal for you to open the account again and to make a new invitation: the one from before has ended."
	case l.Left > 0 && l.Told:
		return "To open the account again, sign in with your password and a recovery code, or ask your administrator. Your administrators have been told."
	case l.Left > 0:
		return "To open the account again, sign in with your password and a recovery code, or ask whoever runs this portal for you."
	case l.Told:
		return "Ask your administrator to open the account again. Your administrators have been told."
	}
	return "Ask whoever runs this portal for you to open the account again."
}

func thawed(l portal.Letter) story {
	st := story{
		subject: "Your account is open again",
		said:    []string{"Your account was frozen and is open again. Somebody else may know the password, so that it needs a new one."},
		advice:  []string{"Have you not chosen one yet? Choose “Forgot your password?” on the sign-in page."},
	}
	if l.Invited {
		st.said = []string{"Your account was frozen and is open again. You have no password yet, and the invitation from before has ended."}
		st.advice = []string{"Choose your password behind a new invitation. Has none come? Then ask whoever has invited you."}
	}
	return st
}

func accountChanged(portal.Letter) story {
	return story{
		subject: "Your account was changed",
		said:    []string{"An administrator changed your account."},
		detail:  "Change",
		advice:  []string{"You do not know why? Then ask the administrator."},
	}
}

func frozenAdmin(l portal.Letter) story {
	return story{
		subject: "The account of " + short(l.About) + " is frozen",
		said:    []string{fmt.Sprintf("%s said “this was not me” with a link from a mail. All sessions of the account have ended, and nobody can sign in to it.", l.About)},
		about:   true,
		advice:  []string{"Talk to the person in a way that you know already, not by answering a mail. When you are sure, open the account again on its page; it needs a new password then."},
	}
}

func adminDeleted(l portal.Letter) story {
	return story{
		subject: "The 2FA setup of " + short(l.About) + " was deleted",
		said:    []string{fmt.Sprintf("An administrator deleted the two-factor authentication of %s. The password alone opens the account now.", l.About)},
		detail:  "Reason", about: true,
		advice: []string{"You do not know why? Then ask who did it, and look at the audit trail."},
	}
}

func helpAsked(l portal.Letter) story {
	return story{
		subject: short(l.About) + " asks for help",
		said:    []string{fmt.Sprintf("%s entered the right password, has no code, and asks for help: the phone may be lost. Nothing has changed.", l.About)},
		about:   true,
		advice:  []string{"Call the person on a number that you know already and check that it is really them. Then delete the 2FA setup on the account's page. If it is not them, demand a new password: somebody else knows it."},
	}
}

func helpAskedForYou(portal.Letter) story {
	return story{
		subject: "Your administrators were asked to help you",
		said:    []string{"Somebody entered your right password, has no code, and asked your administrators for help. Nothing has changed; they will first make sure that it is you."},
		advice:  []string{"Was it you? Then wait for their call, or call them. If not, somebody knows your password: change it now, and wherever else you use it."},
	}
}

func policyReminder(l portal.Letter) story {
	return story{
		subject: "Two-factor authentication will be required",
		said:    []string{fmt.Sprintf("Your account will need two-factor authentication %s%s.", days(l.Left), on(l))},
		advice:  []string{"Sign in and set it up on the Account page; it takes two minutes and an authenticator app. From that day on the sign-in leads to the set-up and to nothing else until it is done."},
	}
}

func policyChanged(portal.Letter) story {
	return story{
		subject: "The 2FA policy was changed",
		said:    []string{"The rule on who needs two-factor authentication was changed."},
		detail:  "Change",
		advice:  []string{"You do not know why? Then ask who did it, and look at the audit trail."},
	}
}
