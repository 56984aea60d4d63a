package mail

import (
	"fmt"

	"portal"
)

// Letters about two-factor authentication and recovery codes.

func factorEnabled(portal.Letter) story {
	return story{
		subject: "Two-factor authentication is on",
		said:    []string{"Two-factor authentication was switched on for your account. From now on the sign-in asks for a code of your authenticator app after the password."},
		advice:  []string{"Keep your recovery codes where you find them without your phone: each opens the account once."},
	}
}

func factorDisabled(l portal.Letter) story {
	kept := "The setup is kept; you can switch it on again on the Account page."
	if !l.Until.IsZero() {
		kept = "The setup is kept until " + date(l.Until) + "; until then you can switch it on again on the Account page."
	}
	return story{
		subject: "Two-factor authentication is off",
		said:    []string{"Two-factor authentication was switched off for your account. The password alone opens it now, and the recovery codes are void.", kept},
		advice:  []string{"Was it you? Then there is nothing to do."},
	}
}

func factorDeleted(portal.Letter) story {
	return story{
		subject: "Your 2FA setup was deleted",
		said:    []string{"The two-factor authentication of your account was deleted. The password alone opens it now. The entry in your authenticator app and the recovery codes are void."},
		advice:  []string{"Was it you? Then delete the entry in the app too. You can set two-factor authentication up again on the Account page."},
	}
}

func factorReplaced(portal.Letter) story {
	return story{
		subject: "Your authenticator was replaced",
		said:    []string{"The authenticator app of your account was replaced by another one. Codes of the old entry are not accepted any more."},
		advice:  []string{"Was it you? Then delete the old entry in the app."},
	}
}

func factorExpires(l portal.Letter) story {
	return story{
		subject: "Your kept 2FA setup will be deleted",
		said: []string{fmt.Sprintf("You switched two-factor authentication off, and its setup was kept. It will be deleted %s%s.",
			days(l.Left), on(l))},
		advice: []string{"To keep it, sign in and switch two-factor authentication on again on the Account page. Otherwise there is nothing to do; you can set it up anew at any time."},
	}
}

func factorExpired(portal.Letter) story {
	return story{
		subject: "Your kept 2FA setup was deleted",
		said:    []string{"You switched two-factor authentication off some time ago. Its setup was kept as long as promised and is deleted now. The entry in your authenticator app is void."},
		advice:  []string{"You can set two-factor authentication up anew at any time on the Account page."},
	}
}

func recoveryIssued(portal.Letter) story {
	return story{
		subject: "New recovery codes were made",
		said:    []string{"New recovery codes were made for your account. All older ones are void."},
		advice:  []string{"Was it you? Then keep them where you find them without your phone, and throw the old ones away."},
	}
}

func recoveryUsed(l portal.Letter) story {
	st := story{
		subject: "A recovery code was used",
		said:    []string{fmt.Sprintf("One of your recovery codes was used in place of a code of your app. It is spent; %s.", left(l.Left))},
		advice:  []string{"Was it you? Then there is nothing to do. Your two-factor authentication stays on."},
	}
	if l.Left < 3 {
		st.advice = []string{"Was it you? Then make new recovery codes on the Account page soon. Your two-factor authentication stays on."}
	}
	return st
}

func deletedByAdmin(portal.Letter) story {
	return story{
		subject: "An administrator deleted your 2FA setup",
		said: []string{
			"The two-factor authentication of your account was deleted for you, and all your sessions have ended.",
			"Sign in with login ID and password, and set it up again on the Account page.",
		},
		detail: "Reason",
		advice: []string{"You did not ask for it? Then ask the administrator."},
	}
}

func codesBlocked(portal.Letter) story {
	return story{
		subject: "Codes for your account are blocked",
		said: []string{
			"Somebody who knows your password entered too many wrong codes in a row. Codes of your authenticator app are not accepted any more.",
			"Your account stays closed to the password alone.",
		},
		advice: []string{"Sign in with a recovery code and replace your authenticator, or ask your administrator. Then change your password."},
	}
}

func days(n int) string {
	switch n {
	case 0:
		return "today"
	case 1:
		return "tomorrow"
	}
	return fmt.Sprintf("in %d days", n)
}

func on(l portal.Letter) string {
	if l.Until.IsZero() {
		return ""
	}
	return ", on " + date(l.Until)
}

func left(n int) string {
	switch n {
	case 0:
		return "none is left"
	case 1:
		return "one is left"
	}
	return fmt.Sprintf("%d are left", n)
}
