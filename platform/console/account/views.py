"""Sign-in and sign-out, the account, its access tokens, invitations."""
