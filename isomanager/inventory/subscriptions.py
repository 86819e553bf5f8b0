"""What the library is to keep up to date."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from isomanager.errors import InventoryError
from isomanager.inventory.database import Clash
from isomanager.inventory.rows import selector_key
from isomanager.inventory.tables import SUBSCRIPTIONS
from isomanager.inventory.transactions import Transactions
from isomanager.model import Subscription


class SubscriptionRecords(Transactions):
    """Adding, removing and listing subscriptions."""

    def add_subscription(self, subscription: Subscription) -> Subscription:
        """Keep a selector up to date. One that is kept already is changed, not doubled: it keeps its id and its time."""
        try:
            return self._put_subscription(subscription)
        except Clash:  # another process added the same one in between: now it is there, and is changed
            return self._put_subscription(subscription)

    def _put_subscription(self, subscription: Subscription) -> Subscription:
        key = selector_key(subscription.selector)
        with self._writing() as connection:
            known = _of_key(connection, key)
            if known is None:
                connection.execute(
                    insert(SUBSCRIPTIONS).values(
                        id=subscription.id,
                        selector_key=key,
                        product=subscription.selector.product,
                        created_at=subscription.created_at,
                        body=subscription.model_dump(mode="json"),
                    )
                )
                return subscription
            changed = subscription.model_copy(update={"id": known.id, "created_at": known.created_at})
            row = SUBSCRIPTIONS.c.id == known.id
            connection.execute(update(SUBSCRIPTIONS).where(row).values(body=changed.model_dump(mode="json")))
            return changed

    def change_subscription(self, changed: Subscription) -> Subscription:
        """Put `changed` in the place of the subscription with its id, another selector included.

        InventoryError: unknown-subscription, or subscription-exists when another one has that selector.
        """
        row = SUBSCRIPTIONS.c.id == changed.id
        values = {
            "selector_key": selector_key(changed.selector),
            "product": changed.selector.product,
            "body": changed.model_dump(mode="json"),
        }
        try:
            with self._writing() as connection:
                done = connection.execute(update(SUBSCRIPTIONS).where(row).values(**values)).rowcount
        except Clash as clash:
            raise InventoryError(
                f"There is already a subscription {changed.selector}.",
                code="subscription-exists",
                hint="Remove one of the two: isomanager unsubscribe ID",
                subscription_id=changed.id,
            ) from clash
        if not done:
            raise _unknown(changed.id)
        return changed

    def remove_subscription(self, subscription_id: str) -> Subscription:
        """Keep it up to date no longer, and give back what it was; InventoryError(code="unknown-subscription")."""
        with self._writing() as connection:
            where = SUBSCRIPTIONS.c.id == subscription_id
            body = connection.execute(select(SUBSCRIPTIONS.c.body).where(where)).scalar_one_or_none()
            connection.execute(delete(SUBSCRIPTIONS).where(where))
        if body is None:
            raise _unknown(subscription_id)
        return Subscription.model_validate(body)

    def subscriptions(self) -> tuple[Subscription, ...]:
        """Every subscription, the oldest first."""
        order = (SUBSCRIPTIONS.c.created_at, SUBSCRIPTIONS.c.id)
        with self._reading() as connection:
            bodies = connection.execute(select(SUBSCRIPTIONS.c.body).order_by(*order)).scalars().all()
        return tuple(Subscription.model_validate(body) for body in bodies)


def _of_key(connection: Connection, key: str) -> Subscription | None:
    query = select(SUBSCRIPTIONS.c.body).where(SUBSCRIPTIONS.c.selector_key == key).with_for_update()
    body = connection.execute(query).scalar_one_or_none()
    return None if body is None else Subscription.model_validate(body)


def _unknown(subscription_id: str) -> InventoryError:
    return InventoryError(
        f"There is no subscription {subscription_id}.",
        code="unknown-subscription",
        hint="`isomanager subscriptions` lists them.",
        subscription_id=subscription_id,
    )
