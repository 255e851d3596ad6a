"""Signals of providers, sent inside the transaction of the change. `gateway.control` writes changelog rows on them."""

from django.dispatch import Signal

# provider: providers.models.Provider; its models are compiled with it
provider_changed = Signal()
# key: providers.models.ProviderKey
provider_key_changed = Signal()
# model: providers.models.Model; its price travels with it
model_changed = Signal()
# alias: providers.models.ModelAlias; is_deleted: bool
alias_changed = Signal()
