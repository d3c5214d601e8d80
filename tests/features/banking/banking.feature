Feature: Banking
  A balance is what came less what went, and is never overdrawn by more than agreed.

  Background:
    Given I add accounts
      | id    | overdraft_limit |
      | purse |                 |
      | shop  | 200             |
    And I add deposits
      | id | account | amount |
      | d1 | purse   | 100    |

  Scenario: A deposit and a withdrawal
    When I add withdrawals
      | id | account | amount |
      | w1 | purse   | 30.25  |
    Then accounts purse has
      | deposited | withdrawn | balance |
      | 100.00    | 30.25     | 69.75   |

  Scenario: An overdraft is refused
    When I add withdrawals
      | id | account | amount |
      | w1 | purse   | 100.01 |
    Then it is refused: -0.01 is more than account purse may be overdrawn
    And accounts purse has
      | balance |
      | 100.00  |

  Scenario: An overdraft up to the limit
    When I add withdrawals
      | id | account | amount |
      | w1 | shop    | 200    |
    Then accounts shop has
      | balance |
      | -200.00 |
    When I change accounts shop
      | overdraft_limit |
      | 100             |
    Then it is refused: -200.00 is more than account shop may be overdrawn

  Scenario: A deposit that has been spent cannot be taken back
    When I add withdrawals
      | id | account | amount |
      | w1 | purse   | 60     |
    And I remove deposits d1
    Then it is refused: -60.00 is more than account purse may be overdrawn
    When I change deposits d1
      | amount |
      | 60     |
    Then accounts purse has
      | balance |
      | 0.00    |

  Scenario: Nothing, or less, is neither deposited nor withdrawn
    When I add deposits
      | id | account | amount |
      | d2 | purse   | 0      |
    Then it is refused: a deposit is more than nothing
    When I add withdrawals
      | id | account | amount |
      | w2 | purse   | -5     |
    Then it is refused: a withdrawal is more than nothing

  Scenario: A transfer is on both accounts or on none
    When I add transfers
      | id | payer | payee | amount |
      | t1 | purse | shop  | 40     |
    Then accounts purse has
      | paid  | balance |
      | 40.00 | 60.00   |
    And accounts shop has
      | received | balance |
      | 40.00    | 40.00   |
    When I add transfers
      | id | payer | payee | amount |
      | t2 | purse | shop  | 60.01  |
    Then it is refused: -0.01 is more than account purse may be overdrawn
    And accounts shop has
      | balance |
      | 40.00   |

  Scenario: A transfer is turned round
    Given I add transfers
      | id | payer | payee | amount |
      | t1 | purse | shop  | 40     |
    When I change transfers t1
      | payer | payee |
      | shop  | purse |
    Then accounts purse has
      | paid | received | balance |
      | 0.00 | 40.00    | 140.00  |
    And accounts shop has
      | paid  | received | balance |
      | 40.00 | 0.00     | -40.00  |
    When I change transfers t1
      | payee |
      | shop  |
    Then it is refused: a transfer goes to another account
